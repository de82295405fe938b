"""What people read: plain words, one meaning each, abbreviations explained, three digits at most."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "kdeviz"
ON_SCREEN = (
    "ui",
    "charts",
    "explain",
    "comparison",
    "preflight",
    "sweep",
    "cli",
    "scaling",
    "settings.py",
    "decision/rules",
    "model/curve.py",
    "output/report",
)
JARGON = (
    "fused attention",
    "numerical rank",
    "hyperparameter",
    "log-likelihood",
    "in-sample",
    "hstack",
    "Gram matrix",
    "eigenv",
    "PCA scores",
    "n_pca_components=",
    "feature_scaling_method=",
    "max_training_points=",
    "Scree plot",
    " normals",
)
IN_BRACKETS = ("Brier score", "root mean square", "Platt scaling", "false discovery rate")
"""The field's terms, which may stand in brackets after the plain words."""
ABBREVIATIONS = {
    "AUROC": "area under the receiver operating characteristic",
    "ROC": "receiver operating characteristic",
    "PCA": "principal component analysis",
    "KDE": "kernel density estimate",
    "FDR": "false discovery rate",
    "CLIP": "contrastive language-image",
    "LOO": "leave-one-out",
    "BH": "benjamini",
    "KNN": "nearest neighbours",
    "PR": "precision and recall",
}
NOT_WORDS = ("ui/widgets/help_pictures.py", "cli/output.py")
MORE_THAN_THREE = re.compile(r"\.[4-9][fge]")
"""Twelve digits are the very number that a person set."""
ONE_HOVER_AWAY = ("ui/pages/explore.py", "charts/hover.py", "charts/strip.py", "charts/densities.py")
"""The full number is one hover away; nowhere else."""


def modules(*rooms):
    for room in rooms:
        path = ROOT / room
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def sentences(path):
    """The texts of a module that are not docstrings; names and formats have no space in them."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = [node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list)]
    told = {id(s.value) for body in bodies for s in body if isinstance(s, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value
    # What a formatted text is made of, in one piece.
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)


@pytest.mark.parametrize("room", ON_SCREEN)
def test_no_jargon_is_said(room):
    texts = [(path, text) for path in modules(room) for text in sentences(path) if " " in text]
    assert texts
    for path, text in texts:
        for word in JARGON:
            assert word.lower() not in text.lower(), f"{path.name}: {text}"
        for term in IN_BRACKETS:
            if term in text:
                assert f"({term}" in text, f"{path.name}: {text}"


def test_a_mark_is_no_verdict_and_no_false_alarm():
    """A verdict is the model's, a mark a person's; a false alarm is a normal sample that is flagged."""
    from kdeviz.data import MARK_LABELS

    assert not {"false alarm", "verdict"} & set(MARK_LABELS)
    for name in ("ui/panels/marking.py", "data/mark_book.py", "cli/app.py"):
        for text in sentences(ROOT / name):
            assert " " not in text or "verdict" not in text.lower(), text


def test_numbers_have_three_digits_on_the_screen():
    looked_at = 0
    for path in modules("ui", "charts", "explain", "comparison"):
        if path.relative_to(ROOT).as_posix() in ONE_HOVER_AWAY:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                looked_at += 1
                assert not MORE_THAN_THREE.search(ast.unparse(node.format_spec)), (
                    f"{path}: {ast.unparse(node)}"
                )
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "number" and len(node.args) > 1:
                looked_at += 1
                digits = node.args[1]
                assert not (isinstance(digits, ast.Constant) and digits.value > 3), ast.unparse(node)
            if (
                isinstance(node, ast.keyword)
                and node.arg == "format"
                and isinstance(node.value, ast.Constant)
            ):
                looked_at += 1
                assert node.value.value in ("%.3g", "%.4f", "%d", "%g"), f"{path}: {node.value.value}"
    assert looked_at > 20


def unexplained(visible, explanations):
    said = " ".join(explanations).lower()
    used = {name for name in ABBREVIATIONS for text in visible if re.search(rf"\b{name}\b", text)}
    return {name for name in used if ABBREVIATIONS[name] not in said}


def test_abbreviations_of_the_screen_are_explained_there(app):
    from app_steps import captions, markdowns, press, texts, titles

    app.session_state["chart"] = "ROC"
    app.run()
    press(app.button(key="Next"))
    app.session_state["chart"] = "ROC"
    app.run()
    kinds = ("selectbox", "slider", "number_input", "radio", "toggle", "button_group", "metric", "button")
    controls = [one.proto for kind in kinds for one in app.get(kind)]
    visible = [*captions(app), *markdowns(app), *texts(app), *titles(app), *(one.label for one in controls)]
    assert any("AUROC" in text for text in visible) and any("PCA" in text for text in visible)
    assert unexplained(visible, [*captions(app), *(one.help for one in controls)]) == set()
    assert unexplained(["AUROC"], []) == {"AUROC"}


def test_abbreviations_of_the_commands_are_explained_in_their_help():
    import typer

    from kdeviz.cli import cli

    def helps(command, info):
        context = type(command).context_class(command, info_name=info)
        options = [getattr(parameter, "help", "") or "" for parameter in command.params]
        yield info, " ".join([command.help or "", *options])
        for name in getattr(command, "commands", {}):
            yield from helps(command.get_command(context, name), name)

    told = dict(helps(typer.main.get_command(cli), "kdeviz"))
    assert len(told) > 10
    whole = told["kdeviz"]
    for name, text in told.items():
        assert unexplained([text], [text, whole]) == set(), name
    assert "verdict" not in told["app"]  # it keeps marks
