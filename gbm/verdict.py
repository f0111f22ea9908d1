"""The verdict on a patient: may these numbers be read, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

COLOURS = ("green", "amber", "red")
"""From good to bad."""


@dataclass(frozen=True)
class Verdict:
    """A traffic light with its reasons.

    Attributes
    ----------
    colour : str
        `green`, `amber` or `red`.
    reasons : tuple of str
        Empty only where the colour is green.
    """

    colour: str
    reasons: tuple[str, ...] = ()


def worst(colours: Iterable[str]) -> str:
    """The worst of several colours; green where there is none."""
    return max(colours, key=COLOURS.index, default="green")


def judge(
    quality: Mapping[str, Any], headline: Mapping[str, Any], max_disagreement: float
) -> Verdict:
    """Combine the gates of the images with what happened to the headline fit.

    Parameters
    ----------
    quality : mapping
        `verdict` and `reasons` of the image gates.
    headline : mapping
        Of the headline fit: `converged`, `status`, `warnings`, `relative_error_u`.
    max_disagreement : float
        Relative L2 difference of network and finite volumes above which the verdict is red.
    """
    colours = [quality["verdict"]]
    reasons = list(quality.get("reasons", ()))
    error = headline["relative_error_u"]["final"]
    if error is None or error > max_disagreement:
        size = "an unknown amount" if error is None else f"{100 * error:.1f} %"
        colours.append("red")
        reasons.append(
            f"The network and the finite-volume solution at its parameters differ by {size} "
            f"(limit {100 * max_disagreement:.0f} %): the network has not solved the equation."
        )
    if not headline["converged"]:
        colours.append("amber")
        details = "; ".join(w for w in headline.get("warnings", ()) if w)
        reasons.append(
            f"The fit has not converged (status: {headline['status']})"
            + (f": {details}" if details else ".")
        )
    return Verdict(worst(colours), tuple(dict.fromkeys(reasons)))
