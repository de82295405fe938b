"""Imports point downwards, and heavy packages stay where they belong."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kdeviz"

# From the bottom to the top: a room imports from its own line and from those above it in this list.
ROOMS = (
    "errors wording atomic",
    "scaling",
    "settings",
    "data",
    "model",
    "preflight",
    "analysis",
    "decision",
    "detector explain",
    "sweep comparison",
    "charts",
    "output",
    "batch",
    "cli",
    "ui",
)
LEVEL = {name: level for level, names in enumerate(ROOMS) for name in names.split()}
MOST_ROOMS = 19


def is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk(tree, deferred):
    """All nodes that run on import, and those in functions when `deferred`; none that is there for mypy."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node) or (not deferred and isinstance(node, ast.FunctionDef)):
            continue
        yield node
        yield from walk(node, deferred)


@cache
def parsed(path):
    return ast.parse(path.read_text())


@cache
def imported(path, deferred=True):
    """Full names of what a file imports."""
    names = []
    for node in walk(parsed(path), deferred):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def listed(name):
    """What a package's front door lists."""
    path = MODULES.get(name)
    if path is None or path.name != "__init__.py":
        return frozenset()
    if (stub := path.with_suffix(".pyi")).exists():  # what lazy_loader reads
        lines = ast.parse(stub.read_text()).body
        return frozenset(
            alias.name for node in lines if isinstance(node, ast.ImportFrom) for alias in node.names
        )
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            return frozenset(ast.literal_eval(node.value)) if node.targets[0].id == "__all__" else frozenset()
    return frozenset()


@cache
def depends_on(name, deferred=True):
    """The modules of kdeviz that one of them imports: kdeviz.data for kdeviz.data.EmbeddingSet."""
    found = set()
    for whole in imported(MODULES[name], deferred):
        if whole.partition(".")[0] == "kdeviz":
            parent, _, last = whole.rpartition(".")
            found.add(parent if whole not in MODULES or last in listed(parent) else whole)
    assert found <= set(MODULES), f"{name} imports {found - set(MODULES)}"
    return found - {name}


def room(name):
    room = name.split(".")[1]
    return "cli" if room == "__main__" else room  # `python -m kdeviz`, the same front door


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"kdeviz"}))
def test_imports_point_downwards(name):
    level = LEVEL[room(name)]
    upwards = {other for other in depends_on(name) - {"kdeviz"} if LEVEL[room(other)] > level}
    beside = {
        room(other)
        for other in depends_on(name) - {"kdeviz"}
        if LEVEL[room(other)] == level and room(other) != room(name)
    }
    assert not upwards
    assert not beside


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"kdeviz"}))
def test_other_rooms_are_entered_by_their_front_doors(name):
    others = {other for other in depends_on(name) - {"kdeviz"} if room(other) != room(name)}
    assert {other for other in others if other.count(".") > 1} == set()


def test_the_rooms_are_known_and_few():
    rooms = {room(name) for name in MODULES if name != "kdeviz"}
    assert rooms <= set(LEVEL)
    assert len(rooms) <= MOST_ROOMS


def test_only_front_doors_list_names():
    listing = {name for name, path in MODULES.items() if "__all__" in path.read_text()}
    assert {name for name in listing if MODULES[name].name != "__init__.py"} == set()


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("streamlit", {"ui"}),
        ("plotly", {"charts", "ui"}),
        ("typer", {"cli"}),
        ("triton", {"model"}),
    ],
)
def test_heavy_packages_stay_at_home(package, homes):
    users = {
        name
        for name, path in MODULES.items()
        if package in {whole.partition(".")[0] for whole in imported(path)}
    }
    assert users
    assert {room(name) for name in users} <= homes


def test_nothing_imports_the_screen_but_the_front_door():
    users = {name for name in MODULES if any(room(other) == "ui" for other in depends_on(name) - {"kdeviz"})}
    assert {room(name) for name in users} == {"ui"}
    assert "kdeviz.ui.door.guards" in imported(ROOT / "app.py")


def test_no_modules_import_each_other_in_a_circle():
    open_, done = [], set()

    def visit(name):
        assert name not in open_, f"circle: {' -> '.join([*open_[open_.index(name) :], name])}"
        if name in done:
            return
        open_.append(name)
        for other in sorted(depends_on(name)):
            # A front door is not imported from within its own room.
            visit(other)
        done.add(open_.pop())

    for name in MODULES:
        visit(name)


@pytest.mark.parametrize(
    ("source", "deferred", "found"),
    [
        ("import a.b", False, ["a.b"]),
        ("from a import b, c", False, ["a.b", "a.c"]),
        ("def f():\n    import a", False, []),
        ("def f():\n    import a", True, ["a"]),
        ("class C:\n    from a import b", False, ["a.b"]),
        ("try:\n    import a\nexcept ImportError:\n    pass", False, ["a"]),
        ("if TYPE_CHECKING:\n    import a", True, []),
    ],
)
def test_the_finder_of_imports(tmp_path, source, deferred, found):
    (tmp_path / "x.py").write_text(source)
    assert imported(tmp_path / "x.py", deferred) == found
