import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from kdeviz.errors import KdevizError, OptionError
from kdeviz.settings import FeatureScalingMethod, Settings


def test_json_round_trip():
    settings = Settings(0.95, FeatureScalingMethod.NORM, 500, 0.7, 3)
    assert Settings(**json.loads(json.dumps(settings.to_dict()))) == settings
    assert Settings(**json.loads(json.dumps(Settings().to_dict()))) == Settings()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"n_pca_components": np.int64(3)}, 3),
        ({"n_pca_components": np.float32(0.5)}, 0.5),
        ({"feature_scaling_method": "norm"}, FeatureScalingMethod.NORM),
        ({"max_training_points": np.uint16(2)}, 2),
        ({"bandwidth": np.float64(1.5)}, 1.5),
        ({"bandwidth": 2}, 2.0),
        ({"bandwidth": "silverman"}, "silverman"),
        ({"seed": np.int32(0)}, 0),
        ({"seed": 2**63 - 1}, 2**63 - 1),
    ],
)
def test_possible_values_become_plain_ones(given, kept):
    (name,) = given
    value = getattr(Settings(**given), name)
    assert value == kept
    assert type(value) is type(kept)


SHOWN_AS = {
    "n_pca_components": "components",
    "feature_scaling_method": "scaling",
    "max_training_points": "training cap",
}
"""What people call a setting, where that is not its name."""


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("n_pca_components", 0, "1 or more"),
        ("n_pca_components", 1.0, "between 0 and 1"),
        ("n_pca_components", "0.9", "whole number"),
        ("feature_scaling_method", "minmax", "'norm' or 'scale'"),
        ("feature_scaling_method", None, "'norm' or 'scale'"),
        ("max_training_points", 1, "2 or more"),
        ("max_training_points", 10.0, "2 or more"),
        ("bandwidth", "isj", "'scott', 'silverman'"),
        ("bandwidth", 0.0, "0.001 to 1000"),
        ("bandwidth", float("inf"), "0.001 to 1000"),
        ("bandwidth", float("nan"), "0.001 to 1000"),
        ("bandwidth", True, "0.001 to 1000"),
        ("seed", -1, "0 or more"),
        ("seed", True, "0 or more"),
        ("seed", 2**63, "below 2**63"),
    ],
)
def test_impossible_values_raise_with_value_and_choices(name, value, choices):
    with pytest.raises(OptionError) as caught:
        Settings(**{name: value})
    assert f"{SHOWN_AS.get(name, name)}={value!r} is not " in str(caught.value)
    assert choices in str(caught.value)
    assert isinstance(caught.value, KdevizError)
    assert isinstance(caught.value, ValueError)


def test_settings_are_frozen_and_hashable():
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.seed = 1
    assert {settings: 1}[Settings()] == 1


@pytest.mark.parametrize("name", ["n_pca_components", "max_training_points", "bandwidth", "seed"])
@pytest.mark.parametrize("value", [10**400, 10**5000, -(10**400), float("inf"), float("nan")], ids=range(5))
def test_numbers_beyond_all_are_refused_in_one_short_line(name, value):
    with pytest.raises(OptionError) as refused:
        Settings(**{name: value})
    assert len(str(refused.value)) < 300
