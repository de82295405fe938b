"""The options that correct how a file is read, for every command that reads one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from kdeviz.data import Corrections
from kdeviz.errors import OptionError

_MARKS = (",", ".")


def _one(what: str, metavar: str = "NAME") -> Any:
    return Annotated[str | None, typer.Option(metavar=metavar, help=what)]


def _several(what: str, metavar: str = "NAME") -> Any:
    return Annotated[list[str] | None, typer.Option(metavar=metavar, help=what)]


# By the names of the fields of Corrections, which are also the arguments of load_embeddings.
_OPTIONS = {
    "embedding_column": _several(
        "Which column or array holds the embeddings, where it is not plain; repeat it for several columns of "
        "numbers."
    ),
    "id_column": _one('Which column holds the ids; "" for none.'),
    "label_column": _one('Which column says normal or anomalous; "" for none.'),
    "split_column": _one('Which column says train or test; "" for none.'),
    "picture_column": _one('Which column holds pictures, or paths to them; "" for none.'),
    "normal": _several(
        "A value of the label column that means normal; all others then mean anomalous. Repeat it for more.",
        "VALUE",
    ),
    "leave_out": _several("A column that is no dimension of the embedding; repeat it for more."),
    "decimal": _one('The decimal mark of a text table, "," or ".", where it is not plain.', "MARK"),
    "images": Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder of pictures, to which a column of paths leads."),
    ],
}


def correctable(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Corrections`, which it gets as its argument `said`."""
    hints = get_type_hints(command, include_extras=True)
    parameters = inspect.signature(command).parameters.values()
    own = [p.replace(annotation=hints[p.name]) for p in parameters if p.name != "said"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def with_options(**options: Any) -> None:
        given = {name: options.pop(name) for name in _OPTIONS}
        command(**options, said=_corrections(given))

    with_options.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
    return with_options


def _corrections(given: dict[str, Any]) -> Corrections:
    """What was said, without what was not."""
    said = {name: value for name, value in given.items() if value is not None and value != []}
    if said.get("decimal", ".") not in _MARKS:
        raise OptionError(f"--decimal {said['decimal']!r} is no decimal mark: give ',' or '.'")
    return Corrections.from_arguments(**said)


def options_of(said: Corrections) -> dict[str, Any]:
    """What was said, by the names of the options that say it."""
    return {f"--{name.replace('_', '-')}": value for name, value in said.given.items()}


def words_of(options: Mapping[str, Any]) -> list[str]:
    """Options with their values as words of a command: one of several values each, none where it is None."""
    lists = {name: value if isinstance(value, list | tuple) else [value] for name, value in options.items()}
    return [f"{name}={one}" for name, values in lists.items() for one in values if one is not None]
