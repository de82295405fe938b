"""Numbers as people read them: three significant digits, thin spaces between thousands, a real minus sign."""

import math
import textwrap

_THIN_SPACE = "\u202f"
_MINUS = "\u2212"


def count(value: int) -> str:
    """12345 as "12 345", with thin spaces."""
    return f"{value:,}".replace(",", _THIN_SPACE).replace("-", _MINUS)


NAMELESS = "(no name)"
"""What a column without a name is called."""


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, never in exponent form below a million."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: f"{_MINUS}∞"}.get(value, "–")
    if value == 0:
        return "0"
    # After rounding: 9.996 has two digits before the point.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if abs(value) >= 1e6 or exponent < -4:
        return f"{value:.{digits - 1}e}".replace("-", _MINUS)
    decimals = max(digits - 1 - exponent, 0)
    return f"{value:,.{decimals}f}".replace(",", _THIN_SPACE).replace("-", _MINUS)


def about(value: float) -> str:
    """Three significant digits of a number that is told as near: 10.0 as "10"."""
    text = number(value)
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def plain_number(value: float) -> str:
    """A number of a file as it may stand there: 10 as "10", six significant digits at most."""
    return f"{value:.6g}".replace("-", _MINUS)


def at_most(share: float) -> str:
    """0.004 as "At most 1 in 250", and 0.3 as "30 %": how many of all there are."""
    return percent(share) if share > 0.1 else f"At most 1 in {count(math.floor(1 / share * (1 + 1e-12)))}"


def score_this_low(p_value: float) -> str:
    """What a p-value says: how many of new normal samples would score so low or lower."""
    of = " of" if p_value > 0.1 else ""
    return f"{at_most(p_value)}{of} normal samples score this low"


def percent(share: float) -> str:
    """0.0123 as "1.23 %"; a share that is neither 0 nor 1 never reads as either."""
    if 0 < share < 0.0001:
        return "< 0.01 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{number(100 * share)} %"


def duration(seconds: float) -> str:
    """In the unit a person would choose."""
    if seconds < 0.9995:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 90:
        return f"{number(seconds, 2)} s"
    return f"{number(seconds / 60, 2)} min"


def size(n_bytes: float) -> str:
    """In bytes, kB, MB or GB, powers of ten."""
    if n_bytes < 1000:
        return f"{n_bytes:.0f} bytes"
    units = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
    one, name = next((unit for unit in units if n_bytes < 999.5 * unit[0]), units[-1])
    return f"{number(n_bytes / one, 2)} {name}"


def one_line(text: object, most: int = 120) -> str:
    """What somebody else wrote, for the inside of a message: in one line, printable, and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def wrapped(text: str, width: int = 36, most_lines: int = 4) -> str:
    """What somebody else wrote, for a narrow place: in a few short lines, then an ellipsis."""
    lines = textwrap.wrap(one_line(text, width * most_lines), width, max_lines=most_lines, placeholder=" …")
    return "\n".join(lines)


def shown(value: object) -> str:
    """A value as Python writes it, for the inside of a message."""
    try:
        return one_line(repr(value), 60)
    except ValueError:  # Python does not write out integers of thousands of digits
        return f"a huge {type(value).__name__}"
