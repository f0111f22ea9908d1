"""What a fit has been checked against, and the status that follows.

A status says no more than what was tested. Converged is a fit that nothing contradicts and that
either a numerical solution at its own unknowns or the known noise of the data confirms; one that
nothing contradicts and nothing confirms is unverified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

CONVERGED, NOT_CONVERGED = "converged", "not converged"
ON_A_BOUND, UNVERIFIED, DIVERGED = "on a bound", "unverified", "diverged"


@dataclass(frozen=True)
class Check:
    """One test of a fit.

    Attributes
    ----------
    name : str
        ``training``, ``numbers``, ``equation``, ``numerical solution``, ``optimum``, ``rest``,
        ``noise``, ``structure``, ``regulariser``, ``seen``, ``bounds``.
    passed : bool or None
        None: it could not be made.
    words : str
        What was found, or why the test was not made.
    """

    name: str
    passed: bool | None
    words: str

    def to_json(self) -> dict[str, str | bool | None]:
        """Plain values."""
        return {"name": self.name, "passed": self.passed, "words": self.words}


def status_of(checks: Sequence[Check], *, confirmed: bool) -> str:
    """The status of a fit.

    Parameters
    ----------
    checks : sequence of Check
    confirmed : bool
        Whether the tests that passed confirm the answer, where none failed.
    """
    failed = [c.name for c in checks if c.passed is False]
    if "numbers" in failed:
        return DIVERGED
    if failed == ["bounds"]:
        return ON_A_BOUND
    if failed:
        return NOT_CONVERGED
    return CONVERGED if confirmed else UNVERIFIED


def untested(check: Check) -> Check:
    """The same, as one that was not made."""
    return replace(check, passed=None, words=f"not tested for this problem ({check.words})")


def of_given_weight(w_reg: float, instead: str = "") -> tuple[Check, ...]:
    """What a weight of the regulariser that the user gave was not tested for; none of a zero.

    Parameters
    ----------
    w_reg : float
    instead : str
        What else there is, where there is something.
    """
    words = (
        f"its weight {w_reg:.2g} was given and not tested: too large a one flattens the function "
        "and makes too narrow a band about the wrong place"
    )
    return (Check("regulariser", None, words + instead),) if w_reg else ()


def warnings_of(checks: Sequence[Check]) -> tuple[str, ...]:
    """The words of what failed."""
    return tuple(c.words for c in checks if c.passed is False)
