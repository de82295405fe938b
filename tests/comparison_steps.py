"""Sides of a comparison whose scores were made up."""

from dataclasses import replace
from functools import cache

import numpy as np

from kdeviz.analysis.opened import opened_analysis
from kdeviz.comparison.scored import Scored
from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.decision.decision import Decision
from kdeviz.model.classifier import KDEClassifier
from kdeviz.model.curve import ProbabilityCurve


@cache
def some_model():
    model = KDEClassifier(1)
    model.fit(np.random.default_rng(0).normal(size=(8, 2)))
    return model


def side(
    scores,
    ids=None,
    labels=None,
    threshold=0.0,
    settings=None,
    train=None,
    model=None,
    curve=None,
    rule=None,
    fixes=None,
    inspected_digest="",
):
    """Scores as if some model had given them; without scores of training rows, these are taken for them."""
    scores = np.asarray(scores)
    ids = np.arange(len(scores)).astype(str) if ids is None else np.array(ids, np.str_)
    labels = None if labels is None else np.asarray(labels, np.int8)
    inspected = EmbeddingSet(np.empty((len(scores), 0)), ids, labels)
    train = scores if train is None else np.asarray(train)
    analysis = opened_analysis(model or some_model(), None, inspected, scores, train)
    analysis = replace(analysis, settings=settings or analysis.settings)
    decision = Decision(analysis, rule, curve or ProbabilityCurve(), threshold)
    return Scored("a name", decision, inspected_digest, fixes)
