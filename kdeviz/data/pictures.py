"""Pictures as browsers are given them; one that is damaged becomes a placeholder."""

from __future__ import annotations

import base64
import io
import warnings
from functools import cache
from typing import TYPE_CHECKING

from kdeviz.data.formats import image_type

if TYPE_CHECKING:
    from PIL import Image

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_MOST_PIXELS = 50_000_000
_SIDE = 64
_SMALL_BYTES = 20_000


def picture_uri(image: bytes, every_pixel: bool = False, side: int | None = None) -> str | None:
    """A data URI that shows without fetching anything.

    Args:
        image: PNG, JPEG, GIF or WebP.
        every_pixel: whether to look for damage in all of it; that of many pictures would take seconds.
        side: pixels; a larger picture is made so small, and then all of it is looked at.

    Returns:
        None for what is no image; that of a placeholder for one that is damaged.
    """
    kind = image_type(image)
    if kind is None:
        return None
    try:
        kind, image = _to_show(kind, image, every_pixel, side)
    except Exception:  # Pillow raises anything on damaged files: struct.error, SyntaxError ...
        kind, image = "png", placeholder()
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _to_show(kind: str, image: bytes, every_pixel: bool, side: int | None) -> tuple[str, bytes]:
    """The kind and the bytes of a picture; raises anything where it is damaged."""
    from PIL import Image

    with (
        warnings.catch_warnings(action="ignore"),
        Image.open(io.BytesIO(image), formats=_FORMATS) as opened,
    ):
        if opened.width * opened.height > _MOST_PIXELS:
            raise ValueError("too many pixels to unpack")
        if side is not None and (max(opened.size) > side or len(image) > _SMALL_BYTES):
            picture, stream = made_small(opened, side), io.BytesIO()
            kind = "jpeg" if picture.mode == "RGB" else "png"
            picture.save(stream, kind)
            return kind, stream.getvalue()
        if every_pixel or side is not None:
            opened.load()
        else:
            opened.verify()
    return kind, image


def made_small(picture: Image.Image, side: int) -> Image.Image:
    """At most so many pixels wide and high, upright, in eight bits of RGB, or of RGBA where there is more."""
    picture.thumbnail((side, side))
    upright = _eight_bit(_upright(picture))
    opaque = "A" not in upright.getbands() and "transparency" not in upright.info
    return upright.convert("RGB" if opaque else "RGBA")


def _upright(picture: Image.Image) -> Image.Image:
    """As its EXIF says that it is held, as browsers show it."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # what is damaged in it says nothing
        return picture


def _eight_bit(picture: Image.Image) -> Image.Image:
    """Pillow would cut 16 bits off at 255, and the picture would be white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")


@cache
def placeholder() -> bytes:
    """A picture of no picture: a grey frame with a cross."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGBA", (_SIDE, _SIDE), (128, 128, 128, 40))
    draw, grey, end = ImageDraw.Draw(canvas), (128, 128, 128, 255), _SIDE - 1
    draw.rectangle((0, 0, end, end), outline=grey, width=2)
    for line in ((0, 0, end, end), (0, end, end, 0)):
        draw.line(line, fill=grey, width=2)
    stream = io.BytesIO()
    canvas.save(stream, "PNG")
    return stream.getvalue()
