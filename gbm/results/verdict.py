"""The verdict on a patient: may these numbers be read, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from gbm.config.settings import Model, Settings
from gbm.results.estimate import Number
from gbm.results.gates import GATES, Colour, Gate

COLOURS: tuple[Colour, ...] = ("green", "amber", "red")
"""From good to bad."""

EXPLAINED = {
    "disagreement": {"network_disagreement"},
    "on a bound": {"lambda_mm", "rhoT", "threshold_WT", "threshold_TC", "threshold_gap"},
    "not converged": {"objective_gap"},
}
"""States of a fit, and the gates that explain them where they failed."""


class Judgement(Model):
    """What a gate says about a number, see `gbm.results.gates.Gate`."""

    number: str = Field(description="name of the number")
    group: str = Field(description="what is judged: registration, tissue, tumour or fit")
    value: Number = Field(description="the number; null: infinite or not a number")
    limit: str = Field(description="the accepted range in words")
    colour: Colour = Field(description="green: passed")
    meaning: str = Field(default="", description="what a failure means; empty where passed")
    advice: str = Field(default="", description="what to do then; empty where passed")


class Verdict(Model):
    """A traffic light with its reasons."""

    colour: Colour = Field(description="the worst of the gates")
    reasons: tuple[str, ...] = Field(
        description="meaning and advice of every failed gate, hard ones first"
    )
    gates: tuple[Judgement, ...] = Field(
        description="every gate whose number exists for this patient"
    )


def worst(colours: Iterable[Colour]) -> Colour:
    """The worst of several colours; green where there is none."""
    return max(colours, key=COLOURS.index, default="green")


def judge(
    numbers: Mapping[str, float | None],
    settings: Settings,
    *,
    status: str = "converged",
    converged: bool = True,
    warnings: Iterable[str] = (),
    unsettled: str = "",
) -> Verdict:
    """Judge the numbers of a patient, and what became of the headline fit.

    Parameters
    ----------
    numbers : mapping
        Name to value; None, or absent, where a number does not exist (no image, no atlas, an empty
        core, no fit yet). NaN and infinities fail.
    settings : Settings
        Sections `gates`, `bounds` and `verify`: the limits.
    status : str
        Of the headline fit; see `gbm.results.outcome.outcome`.
    warnings : iterable of str
        Why the fit has not converged.
    converged : bool
        Whether the headline fit may be read; one that may not is never green.
    unsettled : str
        Why the direct fit is none to rely on: what sits on a bound, or that it was cut short. A
        network cannot vouch for a minimum that its reference did not settle in.
    """
    judged = [
        _judged(gate, value, settings)
        for gate in GATES
        if (value := numbers.get(gate.number)) is not None
    ]
    if unsettled:
        judged.append(_unsettled(unsettled))
    failing = {entry.number for entry in judged if entry.colour != "green"}
    done = converged and status == "converged"
    if not done and not failing & EXPLAINED.get(status, set()):
        judged.append(_not_converged(status, "; ".join(warnings)))
    failed = sorted(
        (entry for entry in judged if entry.colour != "green"),
        key=lambda entry: -COLOURS.index(entry.colour),
    )
    return Verdict(
        colour=worst(entry.colour for entry in failed),
        reasons=tuple(f"{entry.meaning} {entry.advice}" for entry in failed),
        gates=tuple(judged),
    )


def _judged(gate: Gate, value: float, settings: Settings) -> Judgement:
    colour = gate.colour(value, settings)
    passed = colour == "green"
    return Judgement(
        number=gate.number,
        group=gate.group,
        value=float(value),
        limit=gate.limit(settings),
        colour=colour,
        meaning="" if passed else gate.says(value, settings),
        advice="" if passed else gate.advice,
    )


def _unsettled(why: str) -> Judgement:
    return Judgement(
        number="direct_fit",
        group="fit",
        value=0.0,
        limit="settled inside its bounds",
        colour="amber",
        meaning=f"The direct fit, the reference of every fit, did not settle: {why}.",
        advice="Read the profile (“What one scan tells”) before the values, or try "
        "another slice (`slice`).",
    )


def _not_converged(status: str, details: str) -> Judgement:
    said = f"The fit has not converged (status: {status}){': ' + details if details else '.'}"
    return Judgement(
        number="converged",
        group="fit",
        value=0.0,
        limit="at least 1",
        colour="amber",
        meaning=said,
        advice="Read the ranges and the direct fit; try other seeds (`fit.seeds`).",
    )
