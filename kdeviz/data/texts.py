"""Texts that people read, and sounds that they hear, in the columns beside the features."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kdeviz.data.picture_files import find_below

if TYPE_CHECKING:
    import pandas as pd

MOST_SOUND_BYTES = 20_000_000
"""The largest sound that is played."""

_LOOKED_AT = 300
_SHORTEST_TEXT = 12  # characters on average: less is a name or a class
_READ = 200  # characters of each
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Letters of Thai, Lao, Burmese, Khmer, Japanese and Chinese, which put no spaces between words."""
_ENDINGS = (".wav", ".mp3", ".ogg", ".oga", ".opus", ".flac", ".m4a", ".aac")
_DATA = "data:audio/"


def text_columns(metadata: pd.DataFrame | None) -> tuple[str, ...]:
    """The columns that hold texts to read, that with the longest ones first.

    Names, classes, dates and codes are none: half of the values have several words, most with letters.
    """
    lengths = {}
    for name, values in _first_values(metadata):
        worded = sum(_has_words(value.strip()[:_READ]) for value in values)
        mean = sum(len(value) + _unspaced(value) for value in values) / len(values)
        if mean >= _SHORTEST_TEXT and 2 * worded >= len(values) and not _is_sound(values[0]):
            lengths[name] = mean
    return tuple(sorted(lengths, key=lambda name: -lengths[name]))


def sound_column(metadata: pd.DataFrame | None) -> str | None:
    """The first column whose values are sounds as data URIs, or names of sound files."""
    return next((name for name, values in _first_values(metadata) if _is_sound(values[0])), None)


def cell_text(value: Any) -> str:
    """A value of a column as text; empty where there is none."""
    if isinstance(value, str):
        return value
    return "" if value is None or str(value) in ("<NA>", "NaT", "nan") else str(value)


def sound_bytes(value: str, folder: Path | None) -> bytes:
    """The sound that a data URI holds, or that of a file below the folder; b"" for anything else.

    It is known by its first bytes. Nothing is fetched, and nothing outside of the folder is read.
    """
    data = _decoded(value) if value.startswith(_DATA) else _read(value, folder)
    return data if sound_type(data) else b""


def sound_type(data: bytes) -> str:
    """Its media type, by the first bytes; empty for what is no sound that browsers play."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE6 == 0xE2):
        return "audio/mpeg"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    known = {b"OggS": "audio/ogg", b"fLaC": "audio/flac"}
    if data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xF6 == 0xF0:
        return "audio/aac"
    return known.get(data[:4], "")


def _decoded(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64") or 3 * len(body.rstrip("=")) // 4 > MOST_SOUND_BYTES:
        return b""
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return b""


def _read(path: str, folder: Path | None) -> bytes:
    found = None if folder is None else find_below(folder.resolve(), path)
    try:
        return b"" if found is None or found.stat().st_size > MOST_SOUND_BYTES else found.read_bytes()
    except OSError:  # it is gone, or may not be read
        return b""


def _has_words(text: str) -> bool:
    """More than one part, or a script without spaces, and letters in more than half of the parts."""
    parts = text.split()
    lettered = sum(any(map(str.isalpha, part)) for part in parts)
    return (len(parts) > 1 or 2 * _unspaced(text) > len(text)) and 2 * lettered > len(parts)


def _unspaced(text: str) -> int:
    """How many letters are of a script without spaces."""
    return 0 if text.isascii() else len(_UNSPACED.findall(text[:_READ]))


def _is_sound(value: str) -> bool:
    return value.startswith(_DATA) or value.lower().strip().endswith(_ENDINGS)


def _first_values(metadata: pd.DataFrame | None) -> Iterable[tuple[str, list[str]]]:
    """Columns of text by name, with the first values that are there."""
    if metadata is None:
        return
    for position, name in enumerate(metadata.columns):
        first = metadata.iloc[:_LOOKED_AT, position]
        if first.dtype.kind not in "OSU" and str(first.dtype) not in ("category", "string", "str"):
            continue
        values = [value for value in first.tolist() if isinstance(value, str) and value.strip()]
        if values:
            yield str(name), values
