"""The verdict on a patient: may these numbers be read, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gbm.config.settings import Settings
from gbm.results.gates import GATES

COLOURS = ("green", "amber", "red")
"""From good to bad."""

EXPLAINED = {
    "disagreement": {"network_disagreement"},
    "on a bound": {"lambda_mm", "rhoT", "threshold_WT", "threshold_TC", "threshold_gap"},
    "not converged": {"objective_gap"},
}
"""States of a fit, and the gates that explain them where they failed."""


@dataclass(frozen=True)
class Judgement:
    """What a gate says about a number.

    Attributes
    ----------
    number, group : str
        See `gbm.results.gates.Gate`.
    value : float
    limit : str
        The accepted range in words.
    colour : str
        `green`, `amber` or `red`.
    meaning, advice : str
        What a failure means and what to do; empty where the gate is passed.
    """

    number: str
    group: str
    value: float
    limit: str
    colour: str
    meaning: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Verdict:
    """A traffic light with its reasons.

    Attributes
    ----------
    colour : str
        `green`, `amber` or `red`: the worst of the gates.
    reasons : tuple of str
        Meaning and advice of every failed gate, hard ones first; empty where all are passed.
    gates : tuple of Judgement
        Every gate whose number exists for this patient.
    """

    colour: str
    reasons: tuple[str, ...] = ()
    gates: tuple[Judgement, ...] = ()


def worst(colours: Iterable[str]) -> str:
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
    judged: list[Judgement] = []
    for gate in GATES:
        value = numbers.get(gate.number)
        if value is None:
            continue
        colour, limit = gate.colour(value, settings), gate.limit(settings)
        said = ("", "") if colour == "green" else (gate.says(value, settings), gate.advice)
        judged.append(Judgement(gate.number, gate.group, float(value), limit, colour, *said))
    if unsettled:
        judged.append(
            Judgement(
                "direct_fit",
                "fit",
                0.0,
                "settled inside its bounds",
                "amber",
                f"The direct fit, the reference of every fit, did not settle: {unsettled}.",
                "Read the profile (“What one scan tells”) before the values, or try "
                "another slice (`slice`).",
            )
        )
    failing = {entry.number for entry in judged if entry.colour != "green"}
    done = converged and status == "converged"
    if not done and not failing & EXPLAINED.get(status, set()):
        details = "; ".join(warnings)
        text = f"The fit has not converged (status: {status}){': ' + details if details else '.'}"
        advice = "Read the ranges and the direct fit; try other seeds (`fit.seeds`)."
        judged.append(Judgement("converged", "fit", 0.0, "at least 1", "amber", text, advice))
    failed = sorted(
        (entry for entry in judged if entry.colour != "green"),
        key=lambda entry: -COLOURS.index(entry.colour),
    )
    reasons = tuple(f"{entry.meaning} {entry.advice}" for entry in failed)
    return Verdict(worst(entry.colour for entry in failed), reasons, tuple(judged))
