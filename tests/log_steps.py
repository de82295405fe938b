"""What is written to the log. pytest's own plugin looks at every logger, six times for each test: too slow."""

import logging
from contextlib import contextmanager


@contextmanager
def records_of(logger):
    """A list that takes what this logger hands to its handlers."""
    records, handler = [], logging.Handler()
    handler.emit = records.append
    logger.addHandler(handler)
    try:
        yield records
    finally:
        logger.removeHandler(handler)
