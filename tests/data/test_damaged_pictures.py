import base64
import io

import numpy as np
import pytest
from PIL import Image

from kdeviz.data.embedding_set import EmbeddingSet
from kdeviz.data.pictures import picture_uri, placeholder

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)


def encoded(kind):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


def content(uri):
    head, _, body = uri.partition(",")
    return head, base64.b64decode(body)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("every_pixel", [True, False])
def test_a_whole_picture_is_shown_as_it_is(kind, every_pixel):
    image = encoded(kind)
    assert content(picture_uri(image, every_pixel)) == (f"data:image/{kind.lower()};base64", image)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_that_was_cut_short_is_a_placeholder(kind):
    whole, instead = encoded(kind), ("data:image/png;base64", placeholder())
    for length in (12, 40, len(whole) // 2):
        assert content(picture_uri(whole[:length], every_pixel=True)) == instead
    assert content(picture_uri(whole[:12])) == instead


def test_pixels_that_cannot_be_read_are_found_where_all_are_looked_at():
    image = bytearray(encoded("PNG"))
    image[60] ^= 255
    assert content(picture_uri(bytes(image)))[1] == placeholder()
    jpeg = encoded("JPEG")
    jpeg = jpeg[: len(jpeg) // 2]
    assert content(picture_uri(jpeg))[1] == jpeg  # a browser shows the half that is there
    assert content(picture_uri(jpeg, every_pixel=True))[1] == placeholder()


def test_a_picture_of_too_many_pixels_is_not_unpacked():
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    assert content(picture_uri(stream.getvalue()))[1] == placeholder()


@pytest.mark.parametrize(
    "image", [b"", b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"BM" + b"0" * 60]
)
def test_what_is_no_picture_is_none(image):
    assert picture_uri(image) is None


def test_the_placeholder_is_a_picture():
    assert Image.open(io.BytesIO(placeholder())).size == (64, 64)
    assert content(picture_uri(placeholder(), every_pixel=True))[1] == placeholder()


def test_a_set_shows_the_placeholder():
    data = EmbeddingSet.from_array(np.zeros((3, 2)))
    data = EmbeddingSet(data.features, data.ids, thumbnails=[encoded("PNG"), encoded("PNG")[:50], b""])
    shown = [data.thumbnail_uri(row) for row in range(3)]
    assert shown[0] != shown[1] == picture_uri(placeholder())
    assert shown[2] is None
