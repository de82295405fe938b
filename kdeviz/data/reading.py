"""Reading: how a file was understood, nothing guessed in silence; Corrections: what to do instead."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from kdeviz.wording import NAMELESS

ROLES = ("id", "label", "split", "picture")
"""What one column of a file can be beside the embedding."""
NONE = ""
"""In place of a column's name: no column has that role."""


@dataclass(frozen=True)
class Corrections:
    """What a person says about a file where the reader would guess; every field has a default that guesses.

    The fields are arguments of `load_embeddings`, which says what each means; see `from_arguments`.
    """

    embedding_column: str | tuple[str, ...] | None = None
    id_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    picture_column: str | None = None
    normal: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    decimal: str | None = None
    images: str | None = None

    @classmethod
    def from_arguments(cls, **said: Any) -> Corrections:
        """The same from what `load_embeddings` takes: one name or several, a path or its text."""
        columns = said.get("embedding_column")
        if columns is not None and not isinstance(columns, str):
            said["embedding_column"] = tuple(columns) if len(columns) > 1 else next(iter(columns), None)
        for name in said.keys() & {"normal", "leave_out"}:
            said[name] = (said[name],) if isinstance(said[name], str) else tuple(map(str, said[name]))
        if said.get("images") is not None:
            said["images"] = str(said["images"])
        return cls(**said)

    def of(self, role: str) -> str | None:
        """The column that was named for a role of `ROLES`; "" for none, None to guess."""
        value: str | None = getattr(self, f"{role}_column")
        return value

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of `load_embeddings` that say the same, without those that say nothing."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default}


GUESS = Corrections()
"""Nothing was said: everything is guessed."""


@dataclass(frozen=True)
class Reading:
    """How the columns (or arrays) of a file were understood.

    Attributes:
        embedding: the name of what was read as the embedding, as `embedding_column` takes it; None for a
            file of one array without a name.
        dimensions: how many there are.
        features: the columns that became the dimensions: D of them, or the single list column or array.
        id, label, split, picture: the column in that role, or None.
        normal: the values of the label column that were taken to mean normal.
        anomalous: the values that were taken to mean anomalous.
        unclear_label: a column that may hold labels, when nobody knows which of its values mean normal.
        metadata: columns that are kept as they are, beside the rows.
        left_out: columns that were not read at all; the set's notes say why.
        corrections: what was asked for instead of a guess.
    """

    embedding: str | None = None
    dimensions: int = 0
    features: tuple[str, ...] = ()
    id: str | None = None
    label: str | None = None
    split: str | None = None
    picture: str | None = None
    normal: tuple[str, ...] = ()
    anomalous: tuple[str, ...] = ()
    unclear_label: str | None = None
    metadata: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    corrections: Corrections = GUESS

    @property
    def columns(self) -> tuple[str, ...]:
        """What can be chosen for a role: every column that is not a dimension, and the dimensions last."""
        roles = [name for role in ROLES if (name := getattr(self, role)) is not None]
        wide = self.features if len(self.features) > 1 else ()
        return tuple(dict.fromkeys([*roles, *self.metadata, *self.left_out, *wide]))

    def facts(self) -> dict[str, str]:
        """In words, by what each is about: {"features": "8 dimensions: f0, f1, f2 ... f7", ...}."""
        facts = {"features": f"{self.dimensions} dimension{'s' * (self.dimensions != 1)}"}
        if self.features != ("",) and self.features:
            one = len(self.features) == 1 and self.dimensions > 1
            facts["features"] += f", from {self.features[0]}" if one else f": {_spanned(self.features)}"
        for role in ROLES:
            name = getattr(self, role)
            facts[role] = _NOTHING[role] if name is None else name or "the first column, which has no name"
        if self.normal or self.anomalous:
            facts["label"] += f" (normal: {_words(self.normal)}; anomalous: {_words(self.anomalous)})"
        if self.metadata:
            facts["metadata"] = _spanned(self.metadata, 12)
        if self.left_out:
            facts["left out"] = _spanned(self.left_out, 12)
        return facts

    def __str__(self) -> str:
        """One line: "8 dimensions: f0, f1, f2 ... f7; id from path; label from is_bad; left out: mask"."""
        facts = self.facts()
        parts = [facts.pop("features")]
        parts += [f"{role} from {facts[role]}" for role in ROLES if getattr(self, role) is not None]
        parts += [f"{name}: {facts[name]}" for name in ("metadata", "left out") if name in facts]
        return "; ".join(parts)


_NOTHING = {"id": "none, rows are numbered", "label": "none", "split": "none", "picture": "none"}


def _spanned(names: tuple[str, ...], most: int = 4) -> str:
    """All of a few names; the first ones and the last of many."""
    shown = [name or NAMELESS for name in names]
    if len(shown) > most:
        shown = [", ".join(shown[: most - 1]) + " ... " + shown[-1]]
    return ", ".join(shown)


def _words(values: tuple[str, ...]) -> str:
    shown = ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
    return shown or "no value"
