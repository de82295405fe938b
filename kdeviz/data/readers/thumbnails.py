"""Thumbnails: encoded images known by their first bytes. Nothing is fetched, SVG (which may) is refused."""

from __future__ import annotations

import base64
from typing import Any

import pyarrow as pa

from kdeviz.data.formats import image_type

_BASE64_STARTS = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR")
"""How PNG, JPEG, GIF and WebP begin in base64."""
_SHORTEST = 24


def read_thumbnails(values: list[Any], name: str) -> tuple[list[bytes] | None, str]:
    """The images (None when a column holds none), and why some values were refused.

    They come from bytes, data URIs or base64; a remote address, SVG or anything else becomes b"".
    """
    images = [_image(value) for value in values]
    refused = [value for value, image in zip(values, images, strict=True) if value and not image]
    if not any(images):
        why = f" ({_reason(refused[0])})" if refused else ""
        return None, f"{name} holds no thumbnails{why}: PNG, JPEG, GIF or WebP bytes or data URIs are shown."
    note = f"{name}: {len(refused)} thumbnails are not shown ({_reason(refused[0])})." if refused else ""
    return images, note


def begins_with_image(column: pa.ChunkedArray) -> bool:
    """Whether the first value that is there is an image, or says that it is one."""
    first = next((value.as_py() for value in column if value.is_valid), b"")
    if isinstance(first, bytes):
        return image_type(first) is not None
    return first.startswith("data:image/") or (first.startswith(_BASE64_STARTS) and bool(_image(first)))


def _image(value: Any) -> bytes:
    if isinstance(value, str):
        value = _from_text(value)
    return value if isinstance(value, bytes) and image_type(value) else b""


def _from_text(text: str) -> bytes:
    head, comma, body = text.partition(",")
    if not comma and len(text) >= _SHORTEST and text.startswith(_BASE64_STARTS):
        body = "".join(text.split())  # some tools break lines
    elif not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return b""


def _reason(value: Any) -> str:
    start = value[:200].decode("latin-1") if isinstance(value, bytes) else str(value)[:200]
    if start.lstrip().lower().startswith(("http:", "https:", "ftp:", "//")):
        return "remote addresses are never fetched"
    if "svg" in start.lower():
        return "SVG can run scripts"
    return "not an image"
