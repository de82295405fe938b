"""What tests of reports share: a page as a browser's parser sees it, without a browser."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "br", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict
    children: list = field(default_factory=list)

    @property
    def text(self):
        """All text in it, with single spaces only."""
        return plain(self.whole)

    @property
    def whole(self):
        """All text in it, unchanged."""
        return "".join(child if isinstance(child, str) else child.whole for child in self.children)

    @property
    def raw(self):
        """Its own text, unchanged."""
        return "".join(child for child in self.children if isinstance(child, str))

    def all(self, *tags, **attributes):
        """Every element below it of these tags (or of any) with these attributes, in order."""
        for child in self.children:
            if isinstance(child, str):
                continue
            wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
            if (not tags or child.tag in tags) and wanted.items() <= child.attributes.items():
                yield child
            yield from child.all(*tags, **attributes)

    def one(self, *tags, **attributes):
        (found,) = self.all(*tags, **attributes)
        return found


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        self.open[-1].children.append(data)


def plain(text):
    """With single spaces only, also in numbers."""
    return " ".join(text.split())


def parsed(html):
    """The page, whose tags are all closed in order."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    (whole,) = parser.open
    return whole


def numbers_of(page):
    """The numbers for programs, and the charts' JSON by their ids."""
    return tuple(json.loads(page.one("script", id=f"kdeviz-{name}").raw) for name in ("numbers", "charts"))


def table_of(page, name):
    """Heads, and the texts of the cells of each row, of the table with this id."""
    table = page.one("table", id=name)
    heads = [head.text for head in table.one("thead").all("th")]
    rows = [[cell.text for cell in row.all("th", "td")] for row in table.one("tbody").all("tr")]
    return heads, rows


def facts_of(page):
    """Values by their names, in all lists of facts."""
    return {
        row.one("dt").text: row.one("dd").text
        for list_ in page.all("dl", class_="facts")
        for row in list_.all("div")
    }


def figures_of(page):
    """Value and meaning of the headline, by name."""
    rows = page.one("dl", class_="figures").all("div")
    return {row.one("dt").text: [part.text for part in row.all("dd")] for row in rows}
