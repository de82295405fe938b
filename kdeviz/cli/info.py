"""`kdeviz info`."""

from __future__ import annotations

from kdeviz.cli.options import Model
from kdeviz.cli.output import axes_facts, print_facts
from kdeviz.wording import percent, size

_SHOWN = 4


def info(model: Model) -> None:
    """Say what is in a model file."""
    from kdeviz.model import KERNEL_WORDS, KDEClassifier, bandwidth_factor, read_model_file

    classifier = KDEClassifier.load(model, "cpu")
    _, stored = read_model_file(model)
    settings, curve, k = classifier.settings, classifier.curve, classifier.n_components_
    n = len(classifier.training_rows)
    threshold, rule = classifier.threshold, classifier.threshold_rule
    variance = float(classifier.pca_model.explained_variance_ratio.sum())
    facts = {
        "file": f"{model} ({size(model.stat().st_size)}, format {stored['format_version']})",
        "written by": f"kdeviz {stored.get('kdeviz_version')}, torch {stored.get('torch_version')}",
        "dimensions": str(stored["dimensions"]),
        "their names": _names(classifier.feature_names),
        "training points": f"{n} (at most {settings.max_training_points}, seed {settings.seed})",
        **axes_facts(classifier.axes_rows),
        "components": f"{k} ({settings.n_pca_components} asked for)",
        "variance kept": percent(variance),
        "scaling": settings.feature_scaling_method.value,
        **({"features": "standardised"} if settings.standardise else {}),
        "bandwidth": f"{settings.bandwidth}, factor {bandwidth_factor(settings.bandwidth, n, k)!r}",
        "summed by": KERNEL_WORDS[classifier.kernel],
        "threshold": "none" if threshold is None else f"{threshold!r} nats",
        **({} if rule is None else {"threshold rule": f"{rule[0]} {rule[1]!r}"}),
        "curve": f"midpoint {curve.midpoint!r} nats, steepness {curve.steepness!r} per nat",
        "data digest": classifier.data_digest,
    }
    print_facts(facts)


def _names(names: tuple[str, ...] | None) -> str:
    """All of a few, or the first ones and the last."""
    if names is None:
        return "none: columns are matched by position"
    return ", ".join(names if len(names) <= _SHOWN else (*names[: _SHOWN - 1], "...", names[-1]))
