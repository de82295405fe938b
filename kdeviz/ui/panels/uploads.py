"""What became of the files that somebody uploaded, and keeping them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from kdeviz.errors import KdevizError
from kdeviz.ui.door import options
from kdeviz.ui.state import Session
from kdeviz.ui.work import in_address
from kdeviz.ui.work.fitting import awaits_picture
from kdeviz.ui.work.held import held_data
from kdeviz.ui.work.jobs import job_board
from kdeviz.ui.work.kept_uploads import kept_uploads
from kdeviz.ui.work.loaded import Loaded
from kdeviz.ui.work.tasks import viewer

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class Uploads:
    """What was loaded last.

    Attributes:
        files: which uploaded files were read, whether or not they could be.
        problem: why the last of them is not on the screen.
        beside: the data that stayed there.
        first: what the app showed when it was opened, where the address names no file.
        awaited: the file of the address, which is being read.
        gone: whether the address is about a file that is no longer here.
        kept: the large data whose files were kept last.
        done: how many times the popover has done its work, and was closed.
        forgotten: how many times the uploaded files were forgotten.
    """

    files: tuple[str | None, ...] = (None, None, None, None)
    problem: str = ""
    beside: Loaded | None = None
    first: Loaded | None = None
    awaited: str | None = None
    gone: bool = False
    kept: Loaded | None = None
    done: int = 0
    forgotten: int = 0


def is_missing(current: Session) -> bool:
    """Whether the data that the address is about cannot be shown, or not yet."""
    uploads = current.own(Uploads)
    return uploads.gone or uploads.awaited is not None


def failed(current: Session, problem: str) -> None:
    """Say why the last file is not on the screen, as long as these data are."""
    uploads = current.own(Uploads)
    uploads.problem, uploads.beside = problem, current.data


def is_done(current: Session) -> None:
    """Close the popover, whose data are on the screen now."""
    uploads = current.own(Uploads)
    if not (is_missing(current) or current.unread):
        in_address.forget()
    uploads.gone, uploads.awaited, uploads.done = False, None, uploads.done + 1


def hold(current: Session, data: Loaded) -> None:
    """Keep the data for a reload, and their files for a restart."""
    try:
        held_data().hold(data, viewer())
    except KdevizError as error:
        failed(current, str(error))
    if not data.is_large:
        keep(data)


def keep_large(current: Session) -> None:
    """Keep a large file once something of it is on the screen: it takes as long as a first fit."""
    uploads, data = current.own(Uploads), current.data
    if data.is_large and uploads.kept is not data and not awaits_picture(current):
        uploads.kept = data
        job_board().start_aside(lambda report, cancelled: keep(data))


def keep(data: Loaded) -> None:
    """Keep the uploaded files behind these data for a restart, where files are taken at all."""
    if not data.uploaded or options().read_only:
        return
    try:
        kept_uploads().keep(data)
    except KdevizError:  # they are found again as long as the server runs
        logger.exception("uploaded files are not kept")
