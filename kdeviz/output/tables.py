"""Tables as files. A new format is a function here and a line in `TABLE_WRITERS`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import BytesIO
from numbers import Number
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kdeviz.errors import OptionError

METADATA_KEY = "kdeviz"
"""Under this key a parquet file's schema holds `Table.about` as JSON."""

# A spreadsheet would read a text that starts with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Table(NamedTuple):
    """Rows, and where they come from."""

    frame: pd.DataFrame
    about: dict[str, Any]
    """Settings, provenance and the like, ready for JSON."""


def to_csv(table: Table) -> bytes:
    """UTF-8, with every digit; a text that a spreadsheet would run as a formula gets a leading apostrophe.

    The apostrophe stays when such a text is read again, in a note or an id as well, and does not grow;
    parquet gives back exactly what was written.
    """
    frame = table.frame.rename(columns=_harmless)
    for name in frame:
        frame[name] = _harmless_column(frame[name])
    text = frame.to_csv(index=False, lineterminator="\n")
    if "\r" in text:  # Python leaves it without quotes, and readers take it for the end of a line
        text = frame.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.encode()


def to_parquet(table: Table) -> bytes:
    """Every column in its own type, and `about` as JSON in the metadata of the schema."""
    columns = {name: _arrow(table.frame[name]) for name in table.frame}
    about = {METADATA_KEY: json.dumps(table.about)}
    file = BytesIO()
    pq.write_table(pa.table(columns, metadata=about), file)
    return file.getvalue()


class TableWriter(NamedTuple):
    """One format of tables."""

    name: str
    """For people."""
    write: Callable[[Table], bytes]
    mime: str | None = None
    """None where the suffix tells a browser enough."""


TABLE_WRITERS: dict[str, TableWriter] = {
    ".csv": TableWriter("CSV", to_csv, "text/csv"),
    ".parquet": TableWriter("Parquet", to_parquet),
}
"""Every format of tables by the suffix of its files, in the order in which people are offered them."""


def table_bytes(table: Table, suffix: str) -> bytes:
    """A table as the content of a file with this suffix, in upper or lower case.

    Raises:
        OptionError: no table is written so.
    """
    if suffix.lower() not in TABLE_WRITERS:
        raise OptionError(f"no table is written as {suffix!r}: choose {' or '.join(TABLE_WRITERS)}")
    return TABLE_WRITERS[suffix.lower()].write(table)


def _harmless_column(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    return column.astype(object).map(_harmless, na_action="ignore")


def _harmless(cell: Any) -> Any:
    if isinstance(cell, Number):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _arrow(column: pd.Series[Any]) -> pa.Array:
    try:
        return pa.array(column, from_pandas=True)
    except pa.ArrowException:  # a column of mixed types
        return pa.array(column.astype("string"), from_pandas=True)
