"""What a report is made of: a page of sections of blocks, all plain text, numbers and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kdeviz.charts import OfflineFigure
from kdeviz.output.story import Figure, Story


class Cell(NamedTuple):
    """What stands in one place of a table or list."""

    text: str
    value: float | str | None = None
    """What it is sorted by, and its full number; the text if None."""
    picture: str | None = None
    """A data URI."""
    strong: bool = False


class Text(NamedTuple):
    """A paragraph."""

    words: str
    tone: str = "plain"
    """"plain", "note" or "warning"."""


class Facts(NamedTuple):
    """Names and values, under a title if there is one."""

    rows: tuple[tuple[str, Cell], ...]
    title: str = ""


class Column(NamedTuple):
    """The head of a column of a table."""

    title: str
    numeric: bool = False
    choice: bool = False
    """Whether rows can be chosen by its values."""
    wide: bool = False


class Table(NamedTuple):
    """Rows under heads; the cell of column `head` names its row."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    head: int = 0
    interactive: bool = False
    """Whether it can be sorted and filtered."""


class Gallery(NamedTuple):
    """A few samples, each with its picture or text and words below it."""

    title: str
    tiles: tuple[tuple[Cell, str], ...]


class Chart(NamedTuple):
    """One interactive chart."""

    id: str
    figure: OfflineFigure
    height: int = 350
    wide: bool = False
    below: str = ""

    @property
    def alt(self) -> str:
        """What a screen reader says."""
        return ". ".join(filter(None, (self.figure.title, self.figure.subtitle)))


class Charts(NamedTuple):
    """Charts side by side."""

    charts: tuple[Chart, ...]


class Code(NamedTuple):
    """Lines for a shell or for Python."""

    title: str
    lines: str


Block = Text | Story | Facts | Table | Gallery | Charts | Code


class Section(NamedTuple):
    """A part of the page with a heading of its own."""

    id: str
    title: str
    blocks: tuple[Block, ...]


class Page(NamedTuple):
    """A whole report."""

    about: str
    """What it is about, above the heading."""
    finding: str
    """The heading."""
    lead: str
    """A sentence or two below it."""
    figures: tuple[Figure, ...]
    opening: tuple[Block, ...]
    """What is seen first, below the figures."""
    sections: tuple[Section, ...]
    numbers: dict[str, Any]
    """For programs: in full precision, ready for JSON."""

    @property
    def charts(self) -> dict[str, dict[str, Any]]:
        """Every chart by its id, as the page's script draws it."""
        blocks = [*self.opening, *(block for section in self.sections for block in section.blocks)]
        return {
            chart.id: {**chart.figure.light, "dark": chart.figure.dark, "height": chart.height}
            for block in blocks
            if isinstance(block, Charts)
            for chart in block.charts
        }


def facts(rows: Mapping[str, str | Cell], title: str = "") -> Facts:
    """Facts of texts and cells."""
    cells = ((name, value if isinstance(value, Cell) else Cell(value)) for name, value in rows.items())
    return Facts(tuple(cells), title)


def listing(name: str, title: str, rows: Sequence[Mapping[Column, Cell | None]], head: int = 0) -> Table:
    """Rows by column, one at least, as an interactive table; a column that has None in each is left out."""
    known = [{column: cell for column, cell in row.items() if cell is not None} for row in rows]
    cells = tuple(tuple(row.values()) for row in known)
    return Table(name, title, tuple(known[0]), cells, head, interactive=True)
