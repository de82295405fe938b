"""The house's promises about size: functions and modules that are read in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {path.relative_to(ROOT).as_posix(): path for path in sorted((ROOT / "kdeviz").rglob("*.py"))}
LONGEST_MODULE = 350
LONG_FUNCTION = 22
SHARE_OF_LONG_ONES = 0.1


def function_lengths(source):
    """Lines of every function, by line number and name; those inside others count too, decorators do not."""
    return {
        f"{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_nine_functions_in_ten_are_short():
    lengths = {
        f"{path}:{name}": lines
        for path, module in MODULES.items()
        for name, lines in function_lengths(module.read_text()).items()
    }
    long_ones = [name for name, lines in lengths.items() if lines > LONG_FUNCTION]
    assert len(long_ones) <= SHARE_OF_LONG_ONES * len(lengths), "\n".join(long_ones)


@pytest.mark.parametrize("path", MODULES)
def test_no_module_is_long(path):
    assert len(MODULES[path].read_text().splitlines()) <= LONGEST_MODULE


def test_no_module_is_a_drawer_for_everything():
    assert [path for path in MODULES if Path(path).name == "utils.py"] == []


def test_the_length_of_a_function():
    source = "class C:\n  @cached\n  def f(self):\n    async def g():\n      pass\n\n    return g\n"
    assert function_lengths(source) == {"3 f": 5, "4 g": 2}
