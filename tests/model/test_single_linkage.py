"""Groups of points by single linkage are those of scipy."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from kdeviz.model.separate_groups import _LONG, _NEARLY_ALL, _single_linkage


@pytest.mark.parametrize("seed", range(30))
def test_the_groups_are_those_of_scipy(seed):
    random = np.random.default_rng(seed)
    rows, dimensions = random.integers(21, 300), random.integers(1, 20)
    points = random.standard_t(2, (rows, dimensions)) + 20.0 * random.integers(0, 3, (rows, 1)) + 1e6
    links = linkage(points, "single")
    longest = _LONG * np.quantile(links[:, 2], _NEARLY_ALL)
    theirs = fcluster(links, longest, "distance")
    ours = _single_linkage(points)
    assert len(set(zip(ours, theirs, strict=True))) == len(set(ours)) == len(set(theirs))
