"""What is written to the log.

pytest's own plugin looks at every logger there is, six times for each test, which took a tenth of the time.
"""

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
