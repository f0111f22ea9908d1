"""Numbers as readers of a report expect them."""

from __future__ import annotations

from typing import Any

from gbm.results.estimate import sd, value

MISSING = "–"


def num(entry: Any, digits: int = 2) -> str:
    """A number, or the value of a {"value", "sd"} pair, with fixed decimals.

    >>> num({"value": 4.5678, "sd": 0.1}), num(None), num(12, 0)
    ('4.57', '–', '12')
    """
    number = value(entry)
    return MISSING if number is None else f"{number:.{digits}f}"


def spread(entry: Any, digits: int = 2) -> str:
    """The spread of a {"value", "sd"} pair; one larger than the value determines nothing.

    >>> spread({"value": 1.0, "sd": 0.25}), spread(1.0), spread({"value": 1.0, "sd": 40.0})
    ('± 0.25', '–', 'undetermined')
    """
    number = sd(entry)
    if number is None:
        return MISSING
    return f"± {number:.{digits}f}" if number < abs(value(entry)) else "undetermined"


def percent(entry: Any) -> str:
    r"""A fraction in percent, two significant digits.

    >>> percent(0.0123), percent(0.3), percent(None)
    ('1.2\xa0%', '30\xa0%', '–')
    """
    number = value(entry)
    if number is None:
        return MISSING
    return f"{100 * number:.2g}\xa0%" if abs(number) < 1 else f"{100 * number:.0f}\xa0%"


def pair(first: Any, second: Any, digits: int = 3) -> str:
    """Two numbers of one quantity, as network / finite volumes."""
    return f"{num(first, digits)} / {num(second, digits)}"
