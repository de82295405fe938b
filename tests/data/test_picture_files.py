"""Pictures on disk: found below one folder only, read when asked for, never too large."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kdeviz.data import picture_files
from kdeviz.data.formats import image_type
from kdeviz.data.load import load_embeddings
from kdeviz.data.picture_files import PictureFiles, find_below
from kdeviz.errors import DataError

N = 5


def encoded(size=(8, 6), form="PNG", mode="RGB"):
    stream = io.BytesIO()
    Image.new(mode, size, 7).save(stream, form)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    (place / "good").mkdir(parents=True)
    for i in range(N):
        (place / "good" / f"{i}.png").write_bytes(encoded())
    (tmp_path / "secret.png").write_bytes(encoded())
    return place


def table(paths, name="image_path"):
    rows = np.random.default_rng(0).normal(size=(len(paths), 3))
    return pd.DataFrame(rows, columns=["f0", "f1", "f2"]).assign(**{name: paths}).to_csv(index=False).encode()


def read(paths, folder, **options):
    return load_embeddings(table(paths), filename="t.csv", images=folder, **options)


@pytest.mark.parametrize(
    "write",
    [
        "good/{}.png".format,
        r"good\{}.png".format,
        "./good/{}.png".format,
        "/data/mvtec/bottle/good/{}.png".format,
    ],
)
def test_pictures_are_found_by_the_end_of_their_paths(folder, write):
    data = read([write(i) for i in range(N)], folder)
    assert isinstance(data.thumbnails, PictureFiles) and len(data.thumbnails) == N
    assert all(data.thumbnails) and data.thumbnail_uri(3).startswith("data:image/png;base64,")
    assert data.ids[0] == write(0) and data.reading.picture == "image_path"
    some = data.take(np.array([4, 0]))
    assert isinstance(some.thumbnails, PictureFiles) and some.thumbnails.paths == [write(4), write(0)]
    assert data.thumbnails[1:3].paths == [write(1), write(2)]


def test_absolute_paths_below_the_folder(folder):
    assert read([str(folder / "good" / f"{i}.png") for i in range(N)], folder).thumbnails[2]


def test_nothing_outside_of_the_folder_is_read(folder, tmp_path):
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "up").symlink_to(tmp_path)
    outside = [
        "../secret.png",
        str(tmp_path / "secret.png"),
        "link.png",
        "up/secret.png",
        "good/../../secret.png",
    ]
    for path in outside:
        assert find_below(folder.resolve(), path) is None
    data = read(["good/0.png", *outside], folder)
    assert [bool(picture) for picture in data.thumbnails] == [True] + [False] * len(outside)
    assert f"{len(outside)} of the first 6 pictures are not below" in data.notes[0]


@pytest.mark.parametrize(
    "path", ["", "\0", "good", "good/", ".", "..", "x" * 5000, "https://example.org/0.png"]
)
def test_paths_that_lead_nowhere(folder, path):
    assert find_below(folder.resolve(), path) is None


def test_a_folder_in_which_nothing_is_found_is_refused(folder, tmp_path):
    with pytest.raises(
        DataError, match=r"none of the first 2 paths in image_path leads to a file .*'a\.png'"
    ):
        read(["a.png", "b.png"], folder)
    with pytest.raises(DataError, match="there is no such folder of pictures"):
        read(["a.png"], tmp_path / "nowhere")
    with pytest.raises(DataError, match="no column holds file names to look for"):
        load_embeddings(b"f0,f1\n1,2\n", filename="t.csv", images=folder)
    with pytest.raises(DataError, match="there is no column 'img' for the picture"):
        read(["good/0.png"], folder, picture_column="img")


def test_pictures_are_read_when_they_are_asked_for(folder, monkeypatch):
    data = read([f"good/{i}.png" for i in range(N)], folder)
    opened = []
    monkeypatch.setattr(picture_files, "_encoded", lambda path, changed: opened.append(path.name) or b"x")
    assert opened == []
    assert data.thumbnails[2] == b"x"
    assert opened == ["2.png"]


def test_large_pictures_are_made_small_and_too_large_ones_left_out(folder, monkeypatch):
    (folder / "good" / "0.png").write_bytes(encoded((1200, 300)) + bytes(200_000))
    (folder / "good" / "1.png").write_bytes(encoded((1200, 300), "TIFF"))
    (folder / "good" / "2.png").write_bytes(encoded(mode="LA"))
    (folder / "good" / "3.png").write_bytes(b"no picture")
    pictures = read([f"good/{i}.png" for i in range(N)], folder).thumbnails
    for place in (0, 1):
        with Image.open(io.BytesIO(pictures[place])) as image:
            assert image.size == (512, 128) and image.format == "PNG"
    assert image_type(pictures[2]) == "png" and pictures[3] == b""
    picture_files._encoded.cache_clear()
    monkeypatch.setattr(picture_files, "MOST_PIXELS", 1000)
    assert pictures[1] == b"" and pictures[4]
    picture_files._encoded.cache_clear()
    monkeypatch.setattr(picture_files, "MOST_BYTES", 10)
    assert not any(pictures)
    picture_files._encoded.cache_clear()


def test_large_pictures_stand_upright_and_keep_sixteen_bits_of_grey(folder):
    exif, photo, ramp = Image.Exif(), io.BytesIO(), np.linspace(0, 65535, 600 * 300).astype(np.uint16)
    exif[0x112] = 6  # held upright
    Image.new("RGB", (1200, 300)).save(photo, "JPEG", exif=exif)
    (folder / "good" / "0.png").write_bytes(photo.getvalue() + bytes(200_000))
    Image.fromarray(ramp.reshape(300, 600)).save(folder / "good" / "1.png", "TIFF")
    pictures = read([f"good/{i}.png" for i in range(N)], folder).thumbnails
    assert Image.open(io.BytesIO(pictures[0])).size == (128, 512)
    grey = np.asarray(Image.open(io.BytesIO(pictures[1])).convert("L"), float)
    np.testing.assert_allclose(grey.mean(axis=1), np.linspace(0, 255, len(grey)), atol=3)


def test_a_picture_that_changes_is_read_again(folder):
    pictures = read([f"good/{i}.png" for i in range(N)], folder).thumbnails
    before = pictures[0]
    (folder / "good" / "0.png").write_bytes(encoded((3, 3)))
    import os

    os.utime(folder / "good" / "0.png", ns=(1, 1))
    assert pictures[0] != before


def test_base64_without_a_prefix_is_a_picture():
    texts = [base64.b64encode(encoded()).decode()] * N
    rows = pd.DataFrame({"f0": range(N), "f1": range(N, 0, -1), "preview": texts})
    data = load_embeddings(rows.to_csv(index=False).encode(), filename="t.csv")
    assert data.thumbnails == [encoded()] * N and data.reading.picture == "preview"
    broken = rows.assign(preview=[*texts[:-1], texts[0][:30] + "%"])
    data = load_embeddings(broken.to_csv(index=False).encode(), filename="t.csv")
    assert data.thumbnails == [encoded()] * (N - 1) + [b""]
    assert (
        load_embeddings(rows.to_csv(index=False).encode(), filename="t.csv", picture_column="").thumbnails
        is None
    )
