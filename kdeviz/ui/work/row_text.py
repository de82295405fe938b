"""A selection of rows as a short text for the page's address."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from functools import lru_cache

import cachetools
import numpy as np
import streamlit as st
from numpy.typing import NDArray

_LONGEST = 4000
"""Characters; of a longer one the server keeps the rows, and the address their digest."""
_DIGEST = "digest-"
_MOST_KEPT = 200


def text_of(rows: NDArray[np.int64], total: int) -> str:
    """What `rows_of` reads back: the selected rows of so many.

    It is a bit for each row, packed. Where that is too long for an address, it is good on this server only,
    and while that runs.
    """
    mask = np.zeros(total, bool)
    mask[rows] = True
    packed = zlib.compress(np.packbits(mask).tobytes(), 9)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    if len(text) <= _LONGEST:
        return text
    digest = _DIGEST + hashlib.blake2b(packed, digest_size=16).hexdigest()
    _long_ones()[digest] = packed
    return digest


@lru_cache(64)
def rows_of(text: str, total: int) -> NDArray[np.int64] | None:
    """The rows, ascending; None if the text says nothing about so many rows."""
    packed = _long_ones().get(text) if text.startswith(_DIGEST) else _decoded(text)
    if packed is None:
        return None
    wanted = -(-total // 8)
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, wanted + 1)  # an address may ask for any amount of memory
    except zlib.error:
        return None
    bits = np.unpackbits(np.frombuffer(content, np.uint8)).astype(bool)
    if len(content) != wanted or bits[total:].any():
        return None
    rows = np.flatnonzero(bits)
    rows.flags.writeable = False  # whoever asks next gets the same
    return rows


def _decoded(text: str) -> bytes | None:
    if len(text) > _LONGEST:
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


@st.cache_resource(show_spinner=False)
def _long_ones() -> cachetools.LRUCache[str, bytes]:
    """The last selections that are too long for an address."""
    return cachetools.LRUCache(_MOST_KEPT)
