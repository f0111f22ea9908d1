"""Numbers as readers of a report expect them."""

from __future__ import annotations

from gbm.results.estimate import Estimate

MISSING, UNDETERMINED = "–", "undetermined"
ALIKE = 0.005
"""Relative difference below which two numbers are called the same."""


def num(number: float | None, digits: int = 2) -> str:
    """A number with fixed decimals.

    >>> num(4.5678), num(None), num(12, 0)
    ('4.57', '–', '12')
    """
    return MISSING if number is None else f"{number:.{digits}f}"


def plus_minus(estimate: Estimate, digits: int = 2) -> str:
    """The spread of an estimate; one larger than the value determines nothing.

    >>> [plus_minus(Estimate.of(1.0, sd)) for sd in (0.25, None, 40.0)]
    ['± 0.25', '–', 'undetermined']
    """
    if estimate.value is None or estimate.sd is None:
        return MISSING
    return f"± {estimate.sd:.{digits}f}" if estimate.sd < abs(estimate.value) else UNDETERMINED


def with_spread(estimate: Estimate, digits: int = 2) -> str:
    """An estimate with its spread, where one is known.

    >>> with_spread(Estimate.of(1.0, 0.25)), with_spread(Estimate.of(1.0))
    ('1.00 ± 0.25', '1.00')
    """
    shown = num(estimate.value, digits)
    return shown if estimate.sd is None else f"{shown} {plus_minus(estimate, digits)}"


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
