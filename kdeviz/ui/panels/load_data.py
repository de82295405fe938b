"""What is loaded, and how something else is: read in the background, corrected, found after a reload."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile

from kdeviz.data import FORMATS, Corrections, EmbeddingSet
from kdeviz.errors import KdevizError
from kdeviz.settings import Settings
from kdeviz.ui.door import options
from kdeviz.ui.panels.about_file import about_file, corrections, forget_corrections, restore
from kdeviz.ui.panels.preflight import check
from kdeviz.ui.state import Session, session
from kdeviz.ui.widgets.address import read_choice, write_choice
from kdeviz.ui.widgets.text import plain_error
from kdeviz.ui.work.held import held_data
from kdeviz.ui.work.loaded import Loaded, Upload, from_path, from_uploads, sample
from kdeviz.ui.work.reading import FileReading
from kdeviz.ui.work.tasks import viewer
from kdeviz.wording import count

# Streamlit copies the value of every widget twice in each run. What says that an object is known by its name
# keeps it whole: a file of 80 MB cost 0.1 s at every move of a slider.
copyreg.pickle(UploadedFile, str)


@dataclass(eq=False)
class Uploads:
    """What was loaded last.

    Attributes:
        files: which uploaded files were read, whether or not they could be.
        problem: why the last of them is not on the screen.
        beside: the data that stayed there.
        reopened: whether what the address is about was looked for.
    """

    files: tuple[str | None, ...] = (None, None, None, None)
    problem: str = ""
    beside: Loaded | None = None
    reopened: bool = False


def open_path(current: Session, path: str) -> None:
    """Look at a file on the server's disk, or say why not."""
    try:
        current.use(from_path(path, _at_first()))
    except KdevizError as error:
        _failed(current, str(error))


def follow_address(current: Session) -> None:
    """After a reload of the page, the data that the address is about; later, the data in the address."""
    uploads, asked, data = current.own(Uploads), st.query_params.get("data"), current.data
    if not uploads.reopened:
        uploads.reopened = True
        _find_again(current, asked)
    elif data.uploaded and asked != data.token:  # a fix was applied or taken back, or the page was changed
        try:
            held_data().hold(data, viewer())
        except KdevizError as error:
            _failed(current, str(error))
        st.query_params["data"] = data.token


def _find_again(current: Session, token: str | None) -> None:
    if token is None:
        return
    data = held_data().find(token, viewer())
    if data is None:
        st.toast("The file of this address is no longer on this server: load it again.", duration="long")
        st.query_params.pop("data", None)
    else:
        current.use(data)


def data_control(current: Session) -> tuple[DeltaGenerator, DeltaGenerator]:
    """What is loaded, and a way to load something else. A failed load leaves everything as it was.

    Returns:
        A place for what is known about the data, and one beside the button that loads data.
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
    _follow_corrections(current)
    if uploads.problem:
        # The open popover hides the sidebar, and closing it must not lose the message.
        for place in (inside, st.container()):
            with place:
                plain_error("That file could not be loaded", uploads.problem)
    with what:
        st.text(current.data.everything.name)
        st.caption(_shape_words(current.data.train, current.data.score))
        checks = st.container()
        about_file(current.data)
    return checks, beside


def _uploaders(current: Session) -> tuple[tuple[UploadedFile | None, ...], DeltaGenerator]:
    """What somebody has sent, and a place beside it; nothing where all is read-only."""
    if options().read_only:
        return (None, None, None, None), st.container()
    with st.popover("Load data", width="stretch"):
        main = st.file_uploader(
            "Embeddings: one row per sample",
            type=list(FORMATS),
            key="main_file",
            help="A column called id, label, split or thumbnail is recognised. Rows whose split is train "
            "are fitted, the others are scored.",
        )
        score = st.file_uploader("More samples to score (optional)", type=list(FORMATS), key="score_file")
        about = st.file_uploader(
            "A table about the embeddings (optional)",
            type=list(FORMATS),
            key="about_file",
            help="Labels or anything else about the rows of the first file: joined by id where both have "
            "ids, otherwise by order.",
        )
        score_about = st.file_uploader(
            "A table about the samples to score (optional)", type=list(FORMATS), key="score_about_file"
        )
        inside = st.container()
        is_sample = current.data.source == sample().source
        st.button("Back to the sample set", on_click=_use_sample, disabled=is_sample, width="stretch")
    return (main, score, about, score_about), inside


def _use_sample() -> None:
    session().own(FileReading).drop()
    forget_corrections()
    st.query_params.pop("data", None)
    session().use(sample())


def _follow_reading(current: Session) -> None:
    """Look at what was read in the background, or say why not."""
    reading = current.own(FileReading)
    try:
        data = reading.take()
        if data is not None and data.uploaded:
            held_data().hold(data, viewer())
    except KdevizError as error:
        correction = reading.wanted != current.own(Uploads).files
        reading.drop()
        if correction:
            st.session_state["column"] = current.data.everything.embedding_column
            restore(current.data)
        _failed(current, str(error))
    else:
        if data is not None:
            current.use(data)
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
        read = partial(from_uploads, _upload(main), score, about, _at_first(), score_about)
        _read(current, files, main.name, read)
    elif any(others):
        _failed(current, "Load the embeddings first: the other files belong to them")


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
        st.selectbox("Which numbers are the embedding?", choices, key="column")
        write_choice("column", choices[0])


def _at_first() -> Corrections:
    """What is said of every file: the folder of pictures that the app was started with."""
    return Corrections(images=st.session_state.get("images_folder"))


def _upload(file: UploadedFile) -> Upload:
    return file.name, file.getvalue()


def _optional(file: UploadedFile | None) -> Upload | None:
    return None if file is None else _upload(file)


def _read(current: Session, wanted: object, name: str, read: Callable[[], Loaded]) -> None:
    shown = current.screen
    components = Settings().n_pca_components if shown is None else shown.analysis.settings.n_pca_components
    with st.spinner(f"Reading {name} …"):
        current.own(FileReading).start(wanted, name, read, lambda data: check(data.everything, components))
    _follow_reading(current)


def _failed(current: Session, problem: str) -> None:
    uploads = current.own(Uploads)
    uploads.problem, uploads.beside = problem, current.data


def _shape_words(train: EmbeddingSet, score: EmbeddingSet | None) -> str:
    fitted = len(train.to_fit)
    rows = f"{count(fitted)} to learn from"
    others = len(train) - fitted if score is None else len(score)
    if others:
        rows += f" · {count(others)} to score"
    return f"{rows} · {count(train.features.shape[1])} dimensions"
