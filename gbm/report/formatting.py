"""Numbers as readers of a report expect them."""

from __future__ import annotations

from gbm.results.estimate import Estimate

MISSING = "–"
ALIKE = 0.005
"""Relative difference below which two numbers are called the same."""


def num(number: float | None, digits: int = 2) -> str:
    """A number with fixed decimals.

    >>> num(4.5678), num(None), num(12, 0)
    ('4.57', '–', '12')
    """
    return MISSING if number is None else f"{number:.{digits}f}"


def interval(estimate: Estimate, digits: int = 2) -> str:
    """The 90 % interval of an estimate.

    >>> interval(Estimate.of(1.0))
    '–'
    """
    if estimate.interval90 is None:
        return MISSING
    low, high = estimate.interval90
    return f"{num(low, digits)} to {num(high, digits)}"


def with_interval(estimate: Estimate, digits: int = 2) -> str:
    """The median of an estimate with its interval; without them what the fit found.

    >>> with_interval(Estimate.of(1.0))
    '1.00'
    """
    if estimate.median is None or estimate.interval90 is None:
        return num(estimate.value, digits)
    return f"{num(estimate.median, digits)} [{interval(estimate, digits)}]"


def percent(number: float | None) -> str:
    r"""A fraction in percent, two significant digits.

    >>> percent(0.0123), percent(0.3), percent(None)
    ('1.2\xa0%', '30\xa0%', '–')
    """
    if number is None:
        return MISSING
    return f"{100 * number:.2g}\xa0%" if abs(number) < 1 else f"{100 * number:.0f}\xa0%"


def relation(number: float | None, reference: float | None) -> str:
    r"""How a number lies beside another, in words.

    >>> relation(1.24, 1.0), relation(0.7, 1.0), relation(1.001, 1.0), relation(None, 1.0)
    ('24\xa0% higher', '30\xa0% lower', 'the same', 'unknown')
    """
    if number is None or not reference:
        return "unknown"
    ratio = number / reference
    if abs(ratio - 1) < ALIKE:
        return "the same"
    return f"{percent(abs(ratio - 1))} {'higher' if ratio > 1 else 'lower'}"


def pair(first: float | None, second: float | None, digits: int = 3) -> str:
    """Two numbers of one quantity, as network / finite volumes."""
    return f"{num(first, digits)} / {num(second, digits)}"


def whole_seconds(value: float) -> str:
    """Seconds without digits that mean nothing.

    >>> whole_seconds(163.4), whole_seconds(8.62)
    ('163', '8.6')
    """
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
