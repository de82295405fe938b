"""A picture that is made small still shows what it showed."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from kdeviz.data.pictures import picture_uri


def stored(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def small(image):
    head, _, content = picture_uri(image, side=144).partition(",")
    return head, Image.open(io.BytesIO(base64.b64decode(content)))


def test_sixteen_bits_of_grey_stay_grey():
    ramp = np.linspace(0, 65535, 300 * 200).reshape(200, 300).astype(np.uint16)
    head, picture = small(stored(Image.fromarray(ramp), "PNG"))
    assert (head, picture.size) == ("data:image/jpeg;base64", (144, 96))
    found = np.asarray(picture.convert("L"), float)
    expected = np.asarray(Image.fromarray((ramp // 257).astype(np.uint8)).resize((144, 96)), float)
    assert np.abs(found - expected).max() < 4


def oriented(orientation):
    """Landscape as stored, with its upper left quarter in white."""
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[:100, :150] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    return stored(Image.fromarray(pixels), "JPEG", exif=exif)


@pytest.mark.parametrize(("orientation", "size", "white"), [(1, (144, 96), (0, 0)), (6, (96, 144), (0, 1))])
def test_a_photograph_stands_as_its_exif_says(orientation, size, white):
    _, picture = small(oriented(orientation))
    assert picture.size == size
    bright = np.asarray(picture.convert("L").resize((2, 2), Image.Resampling.BOX))
    assert np.unravel_index(bright.argmax(), (2, 2)) == white
    assert not picture.getexif()


def test_exif_that_is_damaged_says_nothing():
    image = stored(
        Image.new("RGB", (300, 200), (9, 99, 9)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12"
    )
    assert small(image)[1].size == (144, 96)
