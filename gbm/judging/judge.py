"""The verdict on a patient: may these numbers be read, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gbm.config.settings import Settings
from gbm.judging.gate import Gate
from gbm.judging.gates import GATES
from gbm.results.verdict import COLOURS, Judgement, Verdict, worst

FIRST = "outside_interval"
"""What is said before all else of its colour: fit and interval do not belong together."""
EXPLAINED = {
    "disagreement": {"network_disagreement"},
    "on a bound": {"lambda_mm", "rhoT", "threshold_WT", "threshold_TC", "threshold_gap"},
    "not converged": {"objective_gap"},
}
"""States of a fit, and the gates that explain them where they failed."""


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
        Of the headline fit; see `gbm.judging.outcome.outcome`.
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
        judged.append(_unsettled(unsettled, settings))
    failing = {entry.number for entry in judged if entry.colour != "green"}
    done = converged and status == "converged"
    if not done and not failing & EXPLAINED.get(status, set()):
        judged.append(_not_converged(status, "; ".join(warnings)))
    failed = sorted(
        (entry for entry in judged if entry.colour != "green"),
        key=lambda entry: (-COLOURS.index(entry.colour), entry.number != FIRST),
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


def _unsettled(why: str, settings: Settings) -> Judgement:
    direct = settings.fit.method == "direct"
    named = "The direct fit" if direct else "The direct fit, the reference of every fit,"
    other = ", or try another slice (`slice`)" if settings.dimensions == 2 else ""
    return Judgement(
        number="direct_fit",
        group="fit",
        value=0.0,
        limit="settled inside its bounds",
        colour="amber",
        meaning=f"{named} did not settle: {why}.",
        advice=f"Read the profile (“What one scan tells”) before the values{other}.",
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
