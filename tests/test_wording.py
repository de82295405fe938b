import math

import pytest

from kdeviz.wording import about, count, duration, number, one_line, percent, shown, size


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1\u202f000"), (1234567, "1\u202f234\u202f567"), (-1500, "−1\u202f500")],
)
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1.00"),
        (0.5, "0.500"),
        (-4.1234, "−4.12"),
        (12.345, "12.3"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (-9.996, "−10.0"),
        (99.96, "100"),
        (999.6, "1\u202f000"),
        (0.09996, "0.100"),
        (123456, "123\u202f456"),
        (-98765.4, "−98\u202f765"),
        (999999.6, "1\u202f000\u202f000"),
        (2.5e6, "2.50e+06"),
        (0.0001, "0.000100"),
        (0.00001234, "1.23e−05"),
        (-0.00001234, "−1.23e−05"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "–"),
    ],
)
def test_number(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("digits", "text"), [(1, "3"), (2, "3.1"), (5, "3.1416")])
def test_number_of_digits(digits, text):
    assert number(math.pi, digits) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.0123, "1.23 %"),
        (0.0001, "0.0100 %"),
        (0.00009, "< 0.01 %"),
        (1e-300, "< 0.01 %"),
        (0.99949, "99.9 %"),
        (0.9996, "> 99.9 %"),
        (0.99999999, "> 99.9 %"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


def test_a_share_that_is_neither_none_nor_all_never_reads_as_either():
    for step in range(1, 400):
        for share in (step / 100_000, 1 - step / 100_000):
            assert float(percent(share).strip("<> %")) not in (0, 100)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 ms"),
        (0.0123, "12 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (2.345, "2.3 s"),
        (45.6, "46 s"),
        (90, "1.5 min"),
        (3600, "60 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (8, "8 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (5e4, "50 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (1.5e6, "1.5 MB"),
        (994e6, "994 MB"),
        (999.6e6, "1.0 GB"),
        (6.54e9, "6.5 GB"),
        (6e12, "6\u202f000 GB"),
    ],
)
def test_size(n_bytes, text):
    assert size(n_bytes) == text


def test_what_somebody_else_wrote_stands_in_one_line():
    assert one_line("a\n b\t\x1b[2Jc") == "a b [2Jc"
    assert one_line("x" * 1000, 20) == "x" * 19 + "…"
    assert one_line(ValueError("no")) == "no"


def test_values_in_messages():
    assert shown("a") == "'a'"
    assert shown(10**400) == "1" + "0" * 58 + "…"
    assert shown(10**5000) == "a huge int"


@pytest.mark.parametrize(
    ("value", "text"), [(10, "10"), (0, "0"), (3.3, "3.3"), (6.666, "6.67"), (100, "100"), (1e6, "1.00e+06")]
)
def test_about(value, text):
    assert about(value) == text
