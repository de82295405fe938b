"""Imports point downwards, and heavy packages stay where they belong."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kdeviz"

# From the bottom to the top: a module imports from its own layer and from those below.
LAYERS = (
    "errors formats labels resources settings wording atomic threads",
    "devices rows module model_file eigen",
    "principal_axes",
    "data",
    "readers",
    "calibration metrics curve_fitting preflight",
    "logsumexp_kernels triton_kernel",
    "kernel_choice",
    "kernel_sums",
    "kde pca axes_cache",
    "classifier",
    "samples scoring marks",
    "analysis",
    "explain sweep comparison",
    "views",
    "theme",
    "figures",
    "export detector",
    "runs",
    "report",
    "tracking",
    "cli",
    "ui",
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}


def is_type_checking(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk(tree, deferred):
    """All nodes that run on import, and those in functions when `deferred`; none that is there for mypy."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node) or (not deferred and isinstance(node, ast.FunctionDef)):
            continue
        yield node
        yield from walk(node, deferred)


def imported(path, deferred=True):
    """Full names of what a file imports."""
    for node in walk(ast.parse(path.read_text()), deferred):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def depends_on(name, deferred=True):
    """The modules of kdeviz that one of them imports: kdeviz.data for kdeviz.data.EmbeddingSet."""
    found = set()
    for whole in imported(MODULES[name], deferred):
        if whole.partition(".")[0] == "kdeviz":
            found.add(whole if whole in MODULES else whole.rpartition(".")[0])
    assert found <= set(MODULES), f"{name} imports {found - set(MODULES)}"
    return found - {name}


def layer(name):
    return name.split(".")[1]


@pytest.mark.parametrize("name", sorted(set(MODULES) - {"kdeviz"}))
def test_imports_point_downwards(name):
    upwards = {
        other for other in depends_on(name) if other != "kdeviz" and LEVEL[layer(other)] > LEVEL[layer(name)]
    }
    # The one way up: `load_embeddings` is the readers' front, and needs them only when it is called.
    allowed = {"kdeviz.readers.load"} if name == "kdeviz.data" else set()
    assert upwards <= allowed
    assert not upwards & depends_on(name, deferred=False)


def test_every_module_has_a_layer():
    assert {layer(name) for name in MODULES if name != "kdeviz"} <= set(LEVEL)


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("streamlit", {"ui"}),
        ("plotly", {"figures", "theme", "ui"}),
        ("typer", {"cli"}),
        ("triton", {"triton_kernel"}),
    ],
)
def test_heavy_packages_stay_at_home(package, homes):
    users = {
        name
        for name, path in MODULES.items()
        if package in {whole.partition(".")[0] for whole in imported(path)}
    }
    assert users
    assert {layer(name) for name in users} <= homes


def test_nothing_imports_the_screen_but_the_front_door():
    users = {name for name in MODULES if any(layer(other) == "ui" for other in depends_on(name) - {"kdeviz"})}
    assert {layer(name) for name in users} == {"ui"}
    assert "kdeviz.ui.main.main" in imported(ROOT / "app.py")


def test_no_modules_import_each_other_in_a_circle():
    open_, done = [], set()

    def visit(name):
        assert name not in open_, f"circle: {' -> '.join([*open_[open_.index(name) :], name])}"
        if name in done:
            return
        open_.append(name)
        for other in sorted(depends_on(name, deferred=False)):
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
    assert list(imported(tmp_path / "x.py", deferred)) == found
