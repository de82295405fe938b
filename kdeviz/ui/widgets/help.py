"""The help beside every control: one sentence, and one formula or small picture."""

from __future__ import annotations

from kdeviz.decision import Rule
from kdeviz.scaling import SCALINGS, scalings_in_words
from kdeviz.ui.widgets import help_pictures as draw

_TABLE, _CLOUD = draw.table(), draw.cloud()
_THRESHOLD, _MANY = draw.threshold(), draw.some_of_many()
_RANK = r"$\text{rank}(x) = 1 + \#\{i : \log p(x_i) < \log p(x)\}$"
_SCORE = r"$\log p(x)$: lower is more anomalous"

_HELP: dict[str, tuple[str, str]] = {
    # --- data
    "main_file": (
        "A table with one row per sample; columns called id, label, split or thumbnail are recognised, and "
        "rows whose split is train are learned from, the others scored.",
        _TABLE,
    ),
    "score_file": ("More rows of the same kind, to be scored by the model of the first file.", _TABLE),
    "about_file": (
        "Labels or anything else about the rows of the first file, joined by id where both have ids, else by "
        "their order.",
        draw.two_tables(),
    ),
    "score_about_file": (
        "Labels or anything else about the rows of the second file, joined in the same way.",
        draw.two_tables(),
    ),
    "column": ("The file holds several sets of numbers; this one is taken.", draw.table(2)),
    "id_column": ("The column that names each sample.", draw.table(0)),
    "label_column": ("The column that says which samples are normal and which are anomalous.", draw.table(5)),
    "split_column": ("The column that says which samples are learned from.", draw.table(4)),
    "picture_column": ("The column that holds a small picture of each sample.", draw.table(1)),
    "normal": ("Samples with one of these labels are normal, all others anomalous.", draw.table(5)),
    "leave_out": ("Columns of numbers that are no part of the embedding.", draw.table(3)),
    # --- model
    "components": (
        "How many directions of largest variation the model looks at (principal component analysis, PCA); "
        "everything else is ignored.",
        draw.falling(4),
    ),
    "standardise": (
        "Divides each feature by its standard deviation in training, so that all count alike whatever their "
        "units; off, features with large numbers count most.",
        r"$x_f \mapsto (x_f - \mu_f) / \sigma_f$",
    ),
    "cap": (
        "At most this many training samples are used, picked at random: fewer is faster, more is more exact.",
        _MANY,
    ),
    "bandwidth": (
        "How far each training sample's influence reaches: Scott and Silverman are rules of thumb, and your "
        "own factor multiplies Scott's.",
        draw.bumps((0.05, 0.14, 0.35)),
    ),
    "factor": (
        "Below 1 the density follows each sample, above 1 it is smoother than Scott's rule makes it.",
        r"$h = \text{factor} \cdot n^{-1/(k+4)}$",
    ),
    "seed": ("Decides which training samples are picked when there are more than the cap.", _MANY),
    # --- threshold and curve
    "rule": (
        "A sample is flagged when its log density is below the threshold that this rule gives.",
        _THRESHOLD,
    ),
    "midpoint": ("The log density at which a sample is as probably anomalous as not.", draw.falling_curve()),
    "steepness": (
        "How quickly the probability changes around the midpoint.",
        r"$1 / (1 + e^{\,\text{steepness} \cdot (\log p(x) - \text{midpoint})})$",
    ),
    "device": (
        "Where the sums are computed; auto takes a graphics card if there is one.",
        r"$\log p(x) = \log \sum_j e^{-|W(x - y_j)|^2 / 2} + \text{constant}$",
    ),
    # --- map
    "colour": (
        "Log density is what the model says, verdict the side of the threshold, residual the length of what "
        "the components leave out; the others come from the file.",
        _CLOUD,
    ),
    "axes": (
        "Main directions vary most; axes that separate pull the flagged (or labelled anomalous) apart; a "
        "neighbour map puts alike samples together, and its distances mean nothing.",
        _CLOUD,
    ),
    "dimensions": ("How many axes the map has.", r"$(x, y)$ or $(x, y, z)$"),
    "axis": (
        "Which principal component this axis shows; the first varies most.",
        r"$z_c = v_c^\top (x - \mu)$",
    ),
    "axis_column": ("Which column of numbers this axis shows.", draw.table(2)),
    "text": ("Which column stands for a sample where it is shown: in full beside the map.", draw.table(1)),
    "map_training": (
        "Draws the training samples small and pale behind the others, 2 000 at most; where they are "
        "inspected themselves they are on the map already.",
        draw.cloud(outside=False),
    ),
    "tool": (
        "Pick: a click looks at one sample; box and lasso select all samples inside, drawn or not.",
        _CLOUD,
    ),
    # --- beside the map
    "chart": (
        "What stands beside the map: the sample that is picked, or a chart of all of them.",
        _THRESHOLD,
    ),
    "why": (
        "Why the sample has its score: its nearest training samples, what each component and feature adds.",
        r"$d^2 = \sum_c d_c^2$",
    ),
    "component": ("Which principal component is described.", r"$z_c = v_c^\top (x - \mu) / \sigma_c$"),
    "slice": (
        "Which principal component runs along this side of the picture.",
        r"$\log p(x + a\,v_1 + b\,v_2)$",
    ),
    "log_fpr": (
        "Stretches the left end, where false alarms are rare, by a logarithmic axis.",
        draw.curve_above_diagonal(),
    ),
    "note": ("Free text that is kept with your mark.", draw.table(5)),
    "marks_as_labels": (
        "Confirmed counts as anomalous, normal as normal, unsure as not labelled; samples without a mark "
        "keep the label of the file.",
        draw.table(5),
    ),
    # --- all samples
    "find": (
        "Finds what stands in the id, in your notes or in any column of the file, in upper or lower case; a "
        "number finds the cells of number columns that equal it.",
        _TABLE,
    ),
    "filter_column": ("Which column is asked for.", draw.table(2)),
    "filter_values": ("Samples with any of these values stay.", draw.table(2)),
    "filter_end": (
        "Samples from here on stay; an empty field asks for nothing.",
        r"$\text{from} \le x \le \text{to}$",
    ),
    "filter_text": ("Samples whose cell has this text in it stay, in upper or lower case.", draw.table(2)),
    "sort_by": ("The order of the list; by rank the most anomalous stand first.", _RANK),
    # --- tune
    "tune": (
        "Sweep fits many settings side by side; Stability fits one again and again and looks whether the "
        "same samples come out.",
        draw.grid(),
    ),
    "grid_components": ("Numbers to try, such as 2, 4, 8, or 2:32:2 for every second one.", draw.falling(4)),
    "grid_scalings": ("Ways to scale to try: all of them, or one.", draw.grid()),
    "grid_bandwidths": (
        "Widths to try: scott, silverman, or factors that multiply Scott's.",
        draw.bumps((0.05, 0.14, 0.35)),
    ),
    "grid_caps": ("Fit on at most so many samples, such as 1000, 40000.", _MANY),
    "grid_seeds": ("Seeds of the random picks, such as 0, 1 or 0:4.", _MANY),
    "grid_standardise": (
        "Whether features are divided by their standard deviations first; both compares the two.",
        r"$x_f \mapsto (x_f - \mu_f) / \sigma_f$",
    ),
    "sweep_shown": ("Which of your sweeps is looked at.", draw.grid()),
    "sweep_name": ("What the list of sweeps calls this one.", draw.grid()),
    "sweep_knob": ("Which setting runs down the picture, or is held where.", draw.grid()),
    "sweep_chart": ("The same numbers as a field of colours, or as lines with their intervals.", draw.grid()),
    "top": ("How many of the most anomalous samples should come out again.", _RANK),
    "repeats": ("How many fits for every cap and every way to repeat.", _MANY),
    # --- compare, export
    "compare": ("Two models side by side, or the list of runs that were kept.", draw.curve_above_diagonal()),
    "side": ("What is compared: the screen, a kept run, a row of a sweep or a model file.", _SCORE),
    "model_file": ("A model that kdeviz saved, to score the samples that are loaded now.", _SCORE),
    "compared_chart": (
        "Percentiles: where the samples stand among the training samples of each; ROC: caught samples "
        "against false alarms (receiver operating characteristic).",
        draw.curve_above_diagonal(),
    ),
    "run_name": ("What the list of kept runs calls this one; it can be changed later.", _SCORE),
    "export_format": (
        "For which program the file is; the log densities are the same in all of them.",
        _SCORE,
    ),
}
HELP = {name: f"{sentence}\n\n{shown}" for name, (sentence, shown) in _HELP.items()}
"""By what the control is about."""


def scaling_help() -> str:
    """Of the choice among the scaling methods, those that were registered later among them."""
    formulas = " ".join(f"{name}: {scaling.formula}" for name, scaling in SCALINGS.items() if scaling.formula)
    return f"What counts of a sample: {scalings_in_words()}.\n\n{formulas or _CLOUD}"


def rule_help(rule: type[Rule]) -> str:
    """Of the one number that a threshold rule takes."""
    sentence = rule.explained or f"It takes {rule.takes}."
    return f"{sentence}\n\n{rule.formula or _THRESHOLD}"


def metrics_help(words: str) -> str:
    """Of a choice among the metrics of a sweep, each explained."""
    return f"{words}\n\n{draw.curve_above_diagonal()}"
