"""One number and the limits it is judged by."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gbm.config.settings import Settings
from gbm.results.verdict import Colour

Range = tuple[float, float]
Limits = Callable[[Settings], Range]
"""Settings -> least and greatest value; infinite where a side is free."""

ANY = math.inf


@dataclass(frozen=True)
class Gate:
    """One number and its limits.

    Attributes
    ----------
    number : str
        Name of the number, see `gbm.judging.quality`.
    group : str
        What is judged: registration, tissue, tumour or fit.
    accepted : callable
        The range that passes.
    meaning : str
        What a failure means; `{value}` and `{limit}` are filled in.
    advice : str
        What to do then.
    shown : str
        Format of value and limits.
    hard : bool
        Whether a failure sets red.
    tolerated : callable, optional
        The range that sets amber although the gate is hard.
    zero : str
        The meaning of 0, where that is another one.
    """

    number: str
    group: Literal["registration", "tissue", "tumour", "fit"]
    accepted: Limits
    meaning: str
    advice: str
    shown: str = "{:.3g}"
    hard: bool = False
    tolerated: Limits | None = None
    zero: str = ""

    def colour(self, value: float, settings: Settings) -> Colour:
        """Judge a value; what is no number fails."""
        if _within(value, self.accepted(settings)):
            return "green"
        if self.tolerated is not None and _within(value, self.tolerated(settings)):
            return "amber"
        return "red" if self.hard else "amber"

    def limit(self, settings: Settings) -> str:
        """The accepted range in words."""
        low, high = self.accepted(settings)
        least, most = self.shown.format(low), self.shown.format(high)
        if high == ANY:
            return f"at least {least}"
        return f"at most {most}" if low == -ANY else f"{least} to {most}"

    def says(self, value: float, settings: Settings) -> str:
        """What the failure of a value means."""
        if value == 0 and self.zero:
            return self.zero
        shown = self.shown.format(value) if math.isfinite(value) else "an unknown amount"
        return self.meaning.format(value=shown, limit=self.limit(settings))


def _within(value: float, limits: Range) -> bool:
    return limits[0] <= value <= limits[1]
