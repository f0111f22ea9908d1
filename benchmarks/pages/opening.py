"""The opening table of the page of results: a row a headline, a column a way to get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from benchmarks import experiments
from benchmarks.design import published
from benchmarks.design.experiment import Experiment
from benchmarks.design.headline import Headline
from benchmarks.design.setting import CLASSICAL, Setting, told
from benchmarks.pages.line import BILO, CLASSIC, DEEPONET, PAPER, PINN, Entry, Line, shown
from benchmarks.results.summary import Result, Row, rows, truth_of, value_of
from benchmarks.runs import parts

METHODS = {CLASSIC: CLASSICAL, PINN: ("pinn", "bpn"), DEEPONET: ("deeponet",)}


def lines(found: Mapping[str, Sequence[Result]]) -> list[Line]:
    """All rows, in the order of the experiments.

    Parameters
    ----------
    found : mapping of str to sequence of Result
        Runs of this version, by experiment.
    """
    told = []
    for name in experiments.names():
        declared, plan = experiments.get(name), parts.runs(name)
        for headline in declared.headlines:
            here = [run for run in found.get(name, ()) if _is_of(headline, run)]
            planned = [run for run in plan if _is_planned(headline, run, plan)]
            told.append(_line(declared, headline, here, planned))
    return told


def _line(
    declared: Experiment, headline: Headline, found: Sequence[Result], planned: Sequence[Setting]
) -> Line:
    weight, here = declared.regularisation(headline.noise), rows(found)

    def own(row: Row | Setting, recipe: str) -> bool:
        run = row.runs[0] if isinstance(row, Row) else vars(row)
        at_weight = weight is None or run["w_reg"] == weight
        return run["method"] == "bilo" and run["recipe"] == recipe and at_weight

    def entry(of: Callable[[Row | Setting], bool]) -> Entry:
        seeds = len({run.seed for run in planned if of(run)})
        return _best(headline, [row for row in here if of(row)], seeds)

    recipe = declared.recipe_of("bilo")
    entries = {BILO: entry(lambda row: own(row, recipe))}
    if recipe == "paper":
        entries[PAPER] = entries[BILO]
    else:
        entries[PAPER] = entry(lambda row: own(row, "paper"))
    for way in METHODS:
        entries[way] = entry(partial(_is_one_of, METHODS[way]))
    if headline.classical:
        entries[CLASSIC] = _beside(headline, entries[BILO])
    return Line(declared.name, headline, _printed(declared, headline, weight), entries)


def _best(headline: Headline, found: Sequence[Row], planned: int) -> Entry:
    """The best setting of a way, of those with the most seeds; of a way with one setting, that."""
    entries = []
    for row in found:
        values = [_number(headline, run) for run in row.runs]
        entries.append(Entry(values, row.runs, planned, _also(row)))
    known = [entry for entry in entries if entry.number.mean is not None]
    if known:
        most = max(len(entry.seeds) for entry in known)
        known = [entry for entry in known if len(entry.seeds) == most]
        return min(known, key=lambda entry: entry.number.mean or 0.0)
    return entries[0] if entries else Entry((), planned=planned)


def _beside(headline: Headline, own: Entry) -> Entry:
    """The classical number that BiLO's runs hold."""
    values = [value_of(run, headline.classical) for run in own.runs]
    solved = tuple({**run, "status": "converged", "seconds": None} for run in own.runs)
    return Entry(values, solved, own.planned)


def _is_one_of(methods: Sequence[str], row: Row | Setting) -> bool:
    return (row.labels["method"] if isinstance(row, Row) else row.method) in methods


def _also(row: Row) -> str:
    """A method that its column does not name."""
    return "BPN" if row.labels["method"] == "bpn" else ""


def _is_of(headline: Headline, run: Result) -> bool:
    truth = dict(zip(run["unknowns"], truth_of(run), strict=True))
    return run["noise"] == headline.noise and all(truth[k] == v for k, v in headline.truth)


def _is_planned(headline: Headline, run: Setting, plan: Sequence[Setting]) -> bool:
    """Whether a planned run has a headline's data; an experiment's own truth has no name there."""
    named = headline.truth if headline.truth in {other.truth for other in plan} else ()
    return run.noise == headline.noise and run.truth == named


def _number(headline: Headline, run: Result) -> float | None:
    fields = headline.fields or [f"unknowns.{name}.rel_error" for name in run["unknowns"]]
    values = [value_of(run, field) for field in fields]
    if any(value is None for value in values):
        return None
    largest = max(value for value in values if value is not None)
    return 1 - largest if headline.part_wrong else largest


def _printed(declared: Experiment, headline: Headline, weight: float | str | None) -> str:
    labels = dict.fromkeys(published.SETTINGS, "-")
    labels |= {"method": "bilo", "noise": f"{headline.noise:g}"}
    labels |= {} if weight is None else {"w_reg": told(weight)}
    theirs = published.read(declared.name)
    number = published.values(labels, theirs).get(headline.published)
    if number is None:
        return headline.unpublished
    try:
        value = float(number)
    except ValueError:
        return number
    return shown(headline, 1 - value if headline.part_wrong else value)
