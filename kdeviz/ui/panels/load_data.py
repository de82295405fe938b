"""What is loaded, and how something else is: read in the background, corrected, found after a reload."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kdeviz.data import EXAMPLES, FORMATS, Corrections, sample_name, sample_source
from kdeviz.errors import KdevizError
from kdeviz.settings import Settings
from kdeviz.ui.door import options, visitor
from kdeviz.ui.panels.about_file import (
    about_file,
    corrections,
    forget_corrections,
    restore,
    scoring_words,
    shape_words,
)
from kdeviz.ui.panels.model import open_data
from kdeviz.ui.panels.preflight import check
from kdeviz.ui.panels.uploads import Uploads, failed, hold, is_done, is_missing, keep
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.address import read_choice, say, write_choice
from kdeviz.ui.widgets.help import HELP
from kdeviz.ui.widgets.history import is_going_back
from kdeviz.ui.widgets.parameters import Possible
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.held import held_data
from kdeviz.ui.work.kept_uploads import is_token, kept_uploads
from kdeviz.ui.work.loaded import Loaded, Upload, from_path, from_uploads, sample
from kdeviz.ui.work.reading import FileReading
from kdeviz.ui.work.tasks import viewer

# Streamlit copies the value of every widget twice in each run. What says that an object is known by its name
# keeps it whole: a file of 80 MB cost 0.1 s at every move of a slider.
copyreg.pickle(UploadedFile, str)

_FIRST = next(iter(EXAMPLES))
_FILES = {
    "main": "Embeddings: one row per sample",
    "score": "More samples to score (optional)",
    "about": "A table about the embeddings (optional)",
    "score_about": "A table about the samples to score (optional)",
}


def open_path(current: Session, path: str) -> None:
    """Look at a file on the server's disk or at an example, or say why not."""
    example = None if Path(path).exists() else sample_name(path)
    try:
        current.use(from_path(path, _at_first()) if example is None else sample(example))
    except KdevizError as error:
        failed(current, str(error))


def address() -> dict[str, Possible]:
    """What the address may say of the data: the token of what was uploaded, or an example."""
    return {"data": lambda text: is_token(text) or sample_name(text) is not None}


def follow_address(current: Session) -> None:
    """After a reload, Back or Forward, the data that the address is about; later, the data in the address."""
    uploads, asked, data = current.own(Uploads), st.query_params.get("data"), current.data
    if uploads.first is None or is_going_back():
        uploads.first = uploads.first or data
        _find(current, asked)
        current.unread = True
    elif asked != _token_in_address(data) and not is_missing(current):
        # A fix was applied or taken back, or the page was changed.
        if data.uploaded:
            hold(current, data)
        say("data", _token_in_address(data))


def _token_in_address(data: Loaded) -> str | None:
    """What the address says of the data: nothing of a file on the server's disk and of the first example."""
    if data.uploaded:
        return data.token
    is_other_example = sample_name(data.source) is not None and data.source != sample().source
    return data.source if is_other_example else None


def say_missing(current: Session) -> None:
    """In place of the page: why the data of the address are not there."""
    if current.own(Uploads).awaited is not None:
        st.info("Opening the file of this address …", icon=":material/hourglass_top:")
        return
    again = (
        "" if options().read_only else " Load the file again, and the rest of the address holds as before."
    )
    st.warning(
        "The file of this address is no longer on this server, which keeps uploaded files for a week after "
        f"their last use, and while there is room.{again}",
        icon=":material/link_off:",
    )
    st.button("Look at the sample set", on_click=_use_example, args=(_FIRST,))


def _find(current: Session, asked: str | None) -> None:
    """Look at what the address is about; at what was there first, where it says nothing."""
    uploads = current.own(Uploads)
    uploads.gone, uploads.awaited = False, None
    example = None if asked is None else sample_name(asked)
    if example is not None:
        if current.data.source != asked:
            current.use(sample(example))
    elif asked is None or not is_token(asked):
        if uploads.first is not None and (
            current.data.uploaded or current.data.source != uploads.first.source
        ):
            current.use(uploads.first)
    elif asked != current.data.token:
        _find_upload(current, asked)


def _find_upload(current: Session, token: str) -> None:
    uploads, kept = current.own(Uploads), kept_uploads()
    data = held_data().find(token, viewer())
    if data is not None:
        current.use(data)
    elif kept.knows(token):
        uploads.awaited = token
        read = partial(kept.open, token, _at_first().images)
        _read(current, token, "the file of this address", read)
    else:
        uploads.gone = True


def data_control(current: Session) -> tuple[DeltaGenerator, DeltaGenerator, DeltaGenerator]:
    """What is loaded, and a way to load something else. A failed load leaves everything as it was.

    Returns:
        A place for what is known about the data, one beside the button that loads data, and that of
        `say_scoring`.
    """
    st.subheader("Data")
    what = st.container()
    left, beside = st.columns([1.25, 1], gap="small")
    with left:
        files, inside = _uploaders(current)
    uploads = current.own(Uploads)
    if uploads.beside is not current.data:
        uploads.problem = ""
    _follow_reading(current)
    _follow_uploads(current, *files)
    if not is_missing(current):
        _follow_corrections(current)
    if uploads.problem:
        # The open popover hides the sidebar, and closing it must not lose the message.
        for place in (inside, st.container()):
            with place:
                plain_error("That file could not be loaded", uploads.problem)
    with what:
        if is_missing(current):
            st.caption("nothing loaded yet")
            return st.container(), beside, st.empty()
        st.text(current.data.everything.name)
        st.caption(shape_words(current.data.train, current.data.score))
        scoring, checks = st.empty(), st.container()
        about_file(current.data)
    say_scoring(current, scoring)
    return checks, beside, scoring


def say_scoring(current: Session, place: DeltaGenerator) -> None:
    """Say how samples that are learned from are scored; only a fit tells that none could be held out."""
    screen = current.screen
    held_out = screen is None or screen.data is not current.data or screen.analysis.calibrated
    if current.data.score is None:
        place.caption(scoring_words(current.data.train, held_out))


def _uploaders(current: Session) -> tuple[tuple[UploadedFile | None, ...], DeltaGenerator]:
    """What somebody has sent, and a place beside it; nothing where all is read-only."""
    if options().read_only:
        return (None, None, None, None), st.container()
    uploads = current.own(Uploads)
    suffix = f"_{uploads.forgotten}" if uploads.forgotten else ""
    # Under another key it is another one, which is closed.
    with st.popover("Load data", width="stretch", key=f"load_data_{uploads.done}"):
        inside = st.container(key="upload_problem")
        # Two beside each other, so that all fits below the button at 720 pixels.
        left, right = st.columns(2, gap="small")
        files = tuple(
            place.file_uploader(
                words, type=list(FORMATS), key=f"{name}_file{suffix}", help=HELP[f"{name}_file"]
            )
            for place, (name, words) in zip((left, right, left, right), _FILES.items(), strict=True)
        )
        _examples(current)
        st.button(
            "Forget uploaded files",
            on_click=_forget_uploads,
            width="stretch",
            help="Uploaded files are kept on this server for a week after their last use, so that a reload "
            "and a link find them again. This deletes "
            + ("yours." if visitor() else "all of them, whoever has sent them."),
        )
    return files, inside


def _examples(current: Session) -> None:
    st.caption("Or look at an example")
    places = st.columns([len(example.title) for example in EXAMPLES.values()], gap="small")
    for place, (name, example) in zip(places, EXAMPLES.items(), strict=True):
        place.button(
            example.title,
            key=f"example_{name}",
            help=example.words,
            on_click=_use_example,
            args=(name,),
            disabled=current.data.source == sample_source(name),
            width="stretch",
        )


def _use_example(name: str) -> None:
    session().own(FileReading).drop()
    forget_corrections()
    current = session()
    open_data(current, sample(name))
    say("data", _token_in_address(current.data))
    is_done(current)


def _forget_uploads() -> None:
    current, owner = session(), visitor() or None
    uploads = current.own(Uploads)
    try:
        kept_uploads().forget(owner)
    except KdevizError as error:
        failed(current, str(error))
        return
    held_data().forget(owner)
    uploads.files, uploads.forgotten = (None, None, None, None), uploads.forgotten + 1
    if current.data.uploaded and owner in (None, current.data.owner):
        _use_example(_FIRST)
    is_done(current)
    st.toast("The uploaded files are forgotten.", icon=":material/delete:")


def _follow_reading(current: Session) -> None:
    """Look at what was read in the background, or say why not."""
    reading, uploads = current.own(FileReading), current.own(Uploads)
    correction, unread = uploads.awaited is None and reading.wanted != uploads.files, current.unread
    try:
        data = reading.take()
        if data is not None and data.uploaded:
            held_data().hold(data, viewer())
    except KdevizError as error:
        uploads.gone, uploads.awaited = uploads.gone or uploads.awaited is not None, None
        reading.drop()
        if correction:
            st.session_state["column"] = current.data.everything.embedding_column
            restore(current.data)
        failed(current, str(error))
    else:
        if data is not None:
            other = data.everything.digest != current.data.everything.digest
            if uploads.awaited is None and reading.wanted == uploads.files and other:
                open_data(current, data)
            else:
                current.use(data)
            # The address may have waited for these very data, or for the file as it says that it is read.
            current.unread = (correction and unread) or data.token == st.query_params.get("data")
            is_done(current)
            st.rerun()  # what is above was drawn for the old data


def _follow_uploads(current: Session, main: UploadedFile | None, *others: UploadedFile | None) -> None:
    uploads = current.own(Uploads)
    files = tuple(None if file is None else file.file_id for file in (main, *others))
    if files == uploads.files:
        return
    uploads.files, uploads.problem = files, ""
    current.own(FileReading).drop()
    if main is not None:
        forget_corrections()
        score, about, score_about = map(_optional, others)
        content = main.name, main.getvalue()
        read = partial(from_uploads, content, score, about, _at_first(), score_about, visitor())
        _read(current, files, main.name, read)
    elif any(others):
        failed(current, "Load the embeddings first: the other files belong to them")


def _follow_corrections(current: Session) -> None:
    """Read the file again when somebody says that it was read wrong."""
    data = current.data
    choices, used = data.everything.embedding_choices, data.everything.embedding_column
    said, several = corrections(data), len(choices) > 1
    if several:
        read_choice("column", choices, used)
        if st.session_state["column"] != used:
            said = replace(said, embedding_column=st.session_state["column"])
    else:
        st.query_params.pop("column", None)
    if said != data.said and current.own(FileReading).wanted != (data.token, said):
        _read(current, (data.token, said), data.everything.name, partial(data.read_again, said))
    if several:
        st.selectbox("Which numbers are the embedding?", choices, key="column", help=HELP["column"])
        write_choice("column", choices[0])


def _at_first() -> Corrections:
    """What is said of every file: the folder of pictures that the app was started with."""
    return Corrections(images=st.session_state.get("images_folder"))


def _optional(file: UploadedFile | None) -> Upload | None:
    return None if file is None else (file.name, file.getvalue())


def _read(current: Session, wanted: object, name: str, read: Callable[[], Loaded]) -> None:
    shown = current.screen
    settings = Settings() if shown is None else shown.analysis.settings
    with st.spinner(f"Reading {name} …"):
        current.own(FileReading).start(wanted, name, read, partial(_check_and_keep, settings))
    _follow_reading(current)


def _check_and_keep(settings: Settings, data: Loaded) -> None:
    """Of large data this is done when something of them is on the screen."""
    if data.is_large:
        return
    check(data.everything, settings)
    keep(data)
