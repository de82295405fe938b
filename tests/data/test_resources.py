import pytest

from kdeviz.data import resources
from kdeviz.data.resources import resource


def test_a_checkout_has_the_front_door_and_the_sample():
    assert resource("app.py").is_file()
    assert resource("sample_data/digits.parquet").is_file()


@pytest.fixture
def places(monkeypatch, tmp_path):
    found = {"_BUNDLE": tmp_path / "bundle", "_CHECKOUT": tmp_path / "checkout"}
    for name, folder in found.items():
        folder.mkdir()
        monkeypatch.setattr(resources, name, folder)
    return found


def test_the_wheels_own_copy_comes_first(places):
    (places["_CHECKOUT"] / "app.py").touch()
    assert resource("app.py") == places["_CHECKOUT"] / "app.py"
    (places["_BUNDLE"] / "app.py").touch()
    assert resource("app.py") == places["_BUNDLE"] / "app.py"


@pytest.mark.usefixtures("places")
def test_a_missing_file_is_named_with_the_remedy():
    with pytest.raises(FileNotFoundError, match=r"digits\.parquet is missing .* reinstall"):
        resource("digits.parquet")
