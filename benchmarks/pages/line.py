"""A row of the opening table: what each way reached, and who is nearest, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from benchmarks.design.headline import Headline
from benchmarks.design.setting import CLASSICAL
from benchmarks.results.summary import Result, Spread, short

BILO, PAPER, CLASSIC, PINN, DEEPONET = (
    "BiLO",
    "BiLO, the paper's recipe",
    "classical",
    "PINN",
    "DeepONet",
)
NOT_RUN, NOT_PLANNED = "not run with this version", "not compared"
NEVER, NOTHING = "never", "no such number"
"""Of a target that was not reached, and of a method that has no such number."""
CLOSE, EXACT = 1.1, 1e-3
"""Numbers whose ratio is smaller than the first are equal, and so are those within a standard
deviation; one that is this part of another leaves it far behind."""


@dataclass(frozen=True)
class Entry:
    """What one way reached: the number over the seeds, or why there is none.

    Attributes
    ----------
    values : sequence of float or None
        Of each run; errors are the smaller the better. None: it has no such number.
    runs : tuple of Result
    planned : int
        So many seeds belong to the comparison.
    also : str
        The method, where the column does not say it.
    """

    values: Sequence[float | None]
    runs: tuple[Result, ...] = ()
    planned: int = 0
    also: str = ""

    @property
    def number(self) -> Spread:
        """Mean and deviation over the runs that have the number."""
        return Spread.of(self.values)

    def told(self, headline: Headline) -> str:
        """The cell of the table."""
        if not self.runs:
            return NOT_RUN if self.planned else NOT_PLANNED
        if self.number.mean is None:
            return NEVER if self.missed else NOTHING
        notes = [self.also] if self.also else []
        without = sum(value is None for value in self.values)
        having = len(self.runs) - without
        if having < self.planned:
            notes.append(f"{having} of {self.planned} seeds")
        if without:
            notes.append(f"{without} more without this number")
        end = f" ({', '.join(notes)})" if notes else ""
        return shown(headline, self.number.mean) + self.mark + end

    @property
    def seeds(self) -> set[int]:
        """Of the runs that have the number."""
        pairs = zip(self.runs, self.values, strict=True)
        return {run["seed"] for run, value in pairs if value is not None}

    def of(self, seeds: set[int]) -> Entry:
        """The part of these seeds; all of it, where one run stands for every seed."""
        if self.planned == 1:
            return self
        pairs = zip(self.runs, self.values, strict=True)
        own = [(run, value) for run, value in pairs if run["seed"] in seeds]
        return replace(self, runs=tuple(run for run, _ in own), values=[value for _, value in own])

    @property
    def mark(self) -> str:
        """An asterisk, where a run does not call itself converged."""
        unsure = any(run["status"] != "converged" for run in self.runs)
        return "\\*" if unsure else ""

    @property
    def missed(self) -> bool:
        """Whether it was run for this number and no run got there."""
        if not self.runs or self.number.mean is not None:
            return False
        return self.runs[0]["method"] not in CLASSICAL


@dataclass(frozen=True)
class Line:
    """A row: what is compared, what was published, what each way reached."""

    experiment: str
    headline: Headline
    printed: str
    entries: Mapping[str, Entry]

    def cells(self, folder: str) -> dict[str, str]:
        """The row of the table, with a link into the folder of the experiments' pages."""
        link = f"[{self.experiment}]({folder}/{self.experiment}.md)"
        told = {way: entry.told(self.headline) for way, entry in self.entries.items()}
        return {
            "experiment": link,
            "what is measured": self.headline.measure,
            "published": self.printed,
            **told,
            "seconds": self._seconds(),
            "who wins": self.winner(),
        }

    @property
    def is_error(self) -> bool:
        """Whether its numbers are errors in percent."""
        return self.headline.unit == "%"

    def errors(self) -> tuple[str, dict[str, float]]:
        """What the picture shows of it: a title, and the errors in percent."""
        means = {way: entry.number.mean for way, entry in self.entries.items()}
        found = {way: 100 * mean for way, mean in means.items() if mean is not None}
        number, percent = self.printed.removesuffix(" %"), self.printed.endswith(" %")
        found |= {"published": float(number)} if percent else {}
        return f"{self.experiment}: {self.headline.measure}", found

    def winner(self) -> str:
        """Who is nearest, in words; BiLO's place, where it is another; who never got there.

        Over the seeds that all have, as each seed may have data of its own. The paper's recipe is
        run with one seed and has no place, unless it is what BiLO does here.
        """
        ways = {way: entry for way, entry in self.entries.items() if way != PAPER}
        missed = [f"{way} never got there" for way, entry in ways.items() if entry.missed]
        known = {way: entry for way, entry in ways.items() if entry.number.mean is not None}
        if not known or len(known) + len(missed) < 2:
            return "nothing to compare with yet"
        several = [entry.seeds for entry in known.values() if entry.planned > 1]
        seeds = set.intersection(*several) if several else set()
        found = {way: entry.of(seeds).number for way, entry in known.items()}
        if any(number.mean is None for number in found.values()):
            return "no seed that all have yet"
        order = sorted(found, key=lambda way: found[way].mean or 0.0)
        fewer = several and len(seeds) < max(map(len, several))
        told = (
            "the one seed that all have"
            if len(seeds) == 1
            else f"the {len(seeds)} seeds that all have"
        )
        at = [f"of {told}"] if fewer else []
        return "; ".join([*self._places(order, found), *missed, *at])

    def _places(self, order: Sequence[str], found: Mapping[str, Spread]) -> list[str]:
        """The first and the second, or all that are as good as the first, and BiLO."""
        marked = {way: way + self.entries[way].mark for way in order}
        best = found[order[0]]
        alike = list(takewhile(lambda way: _equal(best, found[way]), order))
        if len(alike) > 1:
            *others, last = (marked[way] for way in alike)
            said = [f"{', '.join(others)} and {last} alike"]
        else:
            said = [marked[order[0]]]
            said += [f"then {marked[way]}, {self._times(best, found[way])}" for way in order[1:2]]
        if BILO in order[max(2, len(alike)) :]:
            place = order.index(BILO) + 1
            said.append(f"{marked[BILO]} is number {place}, {self._times(best, found[BILO])}")
        return said

    def _times(self, best: Spread, other: Spread) -> str:
        """How much larger, unless the best is as good as exact."""
        assert best.mean is not None
        assert other.mean is not None
        if best.mean < EXACT * other.mean:
            return "far behind"
        unit = "times as far off" if self.is_error else "times as many"
        return f"{short(other.mean / best.mean)} {unit}"

    def _seconds(self) -> str:
        """Of a run of BiLO and of the classical method."""
        spent = {way: _mean_seconds(self.entries[way]) for way in (BILO, CLASSIC)}
        own, other = spent[BILO], spent[CLASSIC]
        if own is None:
            return "-"
        return f"{short(own)}" + ("" if other is None else f" (classical {short(other)})")


def shown(headline: Headline, value: float) -> str:
    """A number of a headline with its unit, two significant digits."""
    return f"{short(100 * value)} %" if headline.unit == "%" else short(value)


def _equal(a: Spread, b: Spread) -> bool:
    assert a.mean is not None
    assert b.mean is not None
    within = abs(b.mean - a.mean) <= max(a.sd or 0.0, b.sd or 0.0)
    return within or b.mean < CLOSE * a.mean


def _mean_seconds(entry: Entry) -> float | None:
    return Spread.of([run["seconds"] for run in entry.runs]).mean
