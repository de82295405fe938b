"""What Hugging Face's `datasets` writes beside the values: names of classes, and folders of Arrow streams."""

from __future__ import annotations

import json
from collections.abc import Mapping


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """The names of the classes of every ClassLabel column, from a schema's metadata; 1 may mean "good"."""
    try:
        features = json.loads((metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        named = {name: _names(kind) for name, kind in features.items()}
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):  # anyone can write anything
        return {}
    return {name: names for name, names in named.items() if names}


def _names(kind: object) -> list[str]:
    if not isinstance(kind, dict) or kind.get("_type") != "ClassLabel":
        return []
    names = kind.get("names")
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []
