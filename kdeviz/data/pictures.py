"""Pictures as browsers are given them; one that is damaged becomes a placeholder."""

from __future__ import annotations

import base64
import io
import warnings
from functools import cache

from kdeviz.data.formats import image_type

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_MOST_PIXELS = 50_000_000
_SIDE = 64


def picture_uri(image: bytes, every_pixel: bool = False) -> str | None:
    """A data URI that shows without fetching anything.

    Args:
        image: PNG, JPEG, GIF or WebP.
        every_pixel: whether to look for damage in all of it; that of many pictures would take seconds.

    Returns:
        None for what is no image; that of a placeholder for one that is damaged.
    """
    kind = image_type(image)
    if kind is None:
        return None
    if not _is_whole(image, every_pixel):
        kind, image = "png", placeholder()
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _is_whole(image: bytes, every_pixel: bool) -> bool:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(image), formats=_FORMATS) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    return False
                if every_pixel:
                    opened.load()
                else:
                    opened.verify()
    except Exception:  # Pillow raises anything on damaged files: struct.error, SyntaxError ...
        return False
    return True


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
