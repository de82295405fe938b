"""The errors that kdeviz raises: every message says what, where, and the remedy."""


class KdevizError(Exception):
    """Base of every error that kdeviz raises on purpose."""


class DataError(KdevizError, ValueError):
    """The data cannot be used: wrong shape, NaN, no variance, an unreadable file."""


class OptionError(KdevizError, ValueError):
    """A setting has a value that it cannot have."""


class NotFittedError(KdevizError, RuntimeError):
    """A model was asked for a result before it was fitted."""


class ModelFileError(KdevizError, ValueError):
    """A model file is truncated, not ours, or from a newer version."""


class ExportError(KdevizError, RuntimeError):
    """An exported model gives other scores in the runtime that it is for."""


class Cancelled(KdevizError):  # noqa: N818 (being cancelled is no fault)
    """The caller's `cancelled()` said yes."""


class ForkError(KdevizError, RuntimeError):
    """A process was forked after its parent had computed: torch's threads are missing there."""


class FitWarning(UserWarning):
    """The fit succeeded, but not quite as it was asked for."""
