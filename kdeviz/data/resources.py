"""Files that ship beside the code: the app's front door, its theme, the sample set."""

from pathlib import Path

_BUNDLE = Path(__file__).parents[1] / "_bundle"
_CHECKOUT = Path(__file__).parents[2]


def resource(name: str) -> Path:
    """Path of a shipped file, given relative to the top of the repository.

    A wheel carries the files under `kdeviz/_bundle`; in a checkout they lie at the top.

    Raises:
        FileNotFoundError: neither place has it (the installation is incomplete).
    """
    for root in (_BUNDLE, _CHECKOUT):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name} is missing from this installation of kdeviz: reinstall it")
