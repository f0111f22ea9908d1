"""What the numbers say, in plain words: where BiLO wins, where a baseline does. All computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.design import published
from benchmarks.design.setting import CLASSICAL
from benchmarks.experiments.theory import FUNCTIONS, SCALARS
from benchmarks.results.summary import FIELDS, Result, Row, rows, short, titles
from benchmarks.runs.judgement import SAME, SAME_SD

CLOSE = 2.0
"""Two numbers whose ratio is smaller are called close."""
APART = f"more than {100 * SAME:g} % and {SAME_SD:g} standard deviations from"
Named = list[tuple[str, Row]]


@dataclass(frozen=True)
class Criterion:
    """What methods are ranked by, the smallest first.

    Attributes
    ----------
    title : str
    value : callable
        The number of a row; None where it has none.
    show : callable
    classical : bool
        Whether classical methods, the judges of the others, compete.
    """

    title: str
    value: Callable[[Row], float | None]
    show: Callable[[float], str]
    classical: bool = False

    def ranked(self, named: Named) -> list[tuple[float, str]]:
        """Values and titles of all that have one and compete."""
        found = [
            (value, title)
            for title, row in named
            if (self.classical or row.labels["method"] not in CLASSICAL)
            and (value := self.value(row)) is not None
        ]
        return sorted(found, key=lambda pair: pair[0])


def read(experiment: str, results: Sequence[Result]) -> list[str]:
    """Lines of Markdown about an experiment's results."""
    special = {"cost": _cost, "theory": _theory}.get(experiment)
    if special is not None:
        return [f"* {said}" for said in special(max(results, key=lambda r: r["profile"] == "full"))]
    lines = []
    for data, named in _groups(results):
        lines += [f"{data}:", "", *(f"* {said}" for said in _compare(experiment, named)), ""]
    return lines[:-1]


def _groups(results: Sequence[Result]) -> list[tuple[str, Named]]:
    """Titled rows by the data they saw."""
    table = rows(results)
    groups: dict[str, Named] = {}
    for title, row in zip(titles(table), table, strict=True):
        noise = "no noise" if row.noise == 0 else f"noise {row.labels['noise']}"
        truth = row.labels["truth"]
        data = noise if truth == "-" else f"{truth}, {noise}"
        groups.setdefault(data, []).append((title, row))
    return list(groups.items())


def _compare(experiment: str, named: Named) -> list[str]:
    """All criteria, what was published of them, and honesty."""
    said = []
    for criterion in CRITERIA:
        values = criterion.ranked(named)
        if values:
            told = ", ".join(f"{title} ({criterion.show(value)})" for value, title in values)
            close = len(values) > 1 and values[1][0] < CLOSE * values[0][0]
            end = "; the first two are within a factor of two" if close else ""
            said.append(f"{criterion.title}: {told}{end}.")
    theirs = [p for p in published.read(experiment) if p["quantity"] == "iterations_to_target"]
    if theirs:
        told = ", ".join(f"{p['method']} {p['value']}" for p in theirs)
        said.append(f"Iterations to the target as published: {told}.")
    said += _beside(experiment, named)
    return said + [_honest(*pair) for pair in named if pair[1].labels["method"] not in CLASSICAL]


def _beside(experiment: str, named: Named) -> list[str]:
    """Errors of functions and what was published of them, where BiLO was published."""
    said = []
    for title, row in named:
        theirs = published.beside(row.labels, published.read(experiment))
        pairs = [
            f"{column} {row.numbers[column]} (published {theirs[field]})"
            for column, field in FIELDS.items()
            if field in theirs and row.numbers[column].mean is not None
        ]
        if pairs and row.labels["method"] == "bilo" and row.labels["agree"] == "-":
            said.append(f"{title}: {', '.join(pairs)}.")
    return said


def _from_fit(row: Row) -> float | None:
    """Largest mean difference of an unknown scalar from the direct fit of the same data."""
    if row.labels["agree"] == "-":
        return None
    means = [spread.mean for name, spread in row.numbers.items() if name.endswith(" vs fit")]
    return max((mean for mean in means if mean is not None), default=None)


def _mean(column: str) -> Callable[[Row], float | None]:
    return lambda row: row.numbers[column].mean


def _wrong_phase(row: Row) -> float | None:
    """Share of points; none where a function has no phases."""
    accuracy = row.numbers["accuracy"].mean
    return None if accuracy is None else 1 - accuracy


def _honest(title: str, row: Row) -> str:
    wrong = [
        run for run in row.runs if run["status"] == "converged" and run["agrees_with_fit"] is False
    ]
    count = f"{row.labels['converged']} of {row.labels['runs']} runs called converged"
    warning = f", **{len(wrong)} of them {APART} the direct fit**" if wrong else ""
    agree = row.labels["agree"]
    end = "." if agree == "-" else f"; {agree} agree with the direct fit."
    return f"{title}: {count}{warning}{end}"


def _cost(result: Result) -> list[str]:
    said = []
    for problem, step in result["engine"].items():
        said.append(
            f"A step of BiLO on {problem} takes {_ms(step['seconds_per_step'])} with the engine "
            f"and {_ms(step['nested_seconds_per_step'])} by textbook nested autograd, "
            f"{step['ratio']:.1f} times as long ({step['ratio_economical']:.1f} times with the "
            f"fewest passes), in {step['peak_memory_mb']:.0f} MB against "
            f"{step['nested_peak_memory_mb']:.0f} MB. Without a C compiler the engine takes "
            f"{_ms(step['plain_seconds_per_step'])}: nested autograd then takes "
            f"{step['ratio_plain']:.1f} times as long. A step of a PINN takes "
            f"{_ms(step['pinn_seconds_per_step'])}."
        )
    direct = result["direct_fit"]
    for recipe, run in result["time_to_target"].items():
        reached = f"{run['successes']} of {run['seeds']} seeds"
        if run["extrapolated"]:
            said.append(
                f"Recipe {recipe}: {run['steps_run']} of its {run['steps_published']} steps "
                f"were run; all would take {_seconds(run['seconds_of_published_steps'])} here."
            )
        elif run["median_s"] is None:
            said.append(f"Recipe {recipe} reached the target for {reached}.")
        else:
            times = run["median_s"] / direct["seconds"]
            said.append(
                f"Recipe {recipe} reached the target ({run['target']}) for {reached}, in a "
                f"median of {_seconds(run['median_s'])}; the direct fit needs "
                f"{_seconds(direct['seconds'])}, {times:.0f} times less."
            )
    return said


def _theory(result: Result) -> list[str]:
    said = []
    for problem in SCALARS:
        first, last = result[problem][0], result[problem][-1]
        said.append(
            f"{problem}: while the lower loss falls from {short(first['lower_loss'])} to "
            f"{short(last['lower_loss'])}, the angle between the approximate and the exact "
            f"gradient goes from 1 - cos = {short(1 - first['cosine'])} to "
            f"{short(1 - last['cosine'])}, their ratio from {first['norm_ratio']:.3f} to "
            f"{last['norm_ratio']:.4f}; the largest error of the network's sensitivities goes "
            f"from {_percent(first['sensitivity_rel_error'])} to "
            f"{_percent(last['sensitivity_rel_error'])}."
        )
    for problem in filter(result.__contains__, FUNCTIONS):
        directions, shift = (
            ", ".join(f"{place[field]:.3f}" for place in result[problem])
            for field in ("cosine", "cosine_local_shift")
        )
        said.append(
            f"{problem}: the cosine of the gradient by the function to the exact one, at start, "
            f"half and end of a fit, is {directions} in directions and {shift} by local shift."
        )
    return said


def _percent(value: float) -> str:
    return f"{short(100 * value)} %"


def _seconds(value: float) -> str:
    return f"{short(value)} s"


def _ms(value: float) -> str:
    return f"{short(1000 * value)} ms"


CRITERIA = (
    Criterion(
        "Smallest relative L2 error of the unknown function",
        _mean("rel. L2 error"),
        _percent,
        classical=True,
    ),
    Criterion("Fewest points in the wrong phase", _wrong_phase, _percent, classical=True),
    Criterion(
        "Nearest to the data by the numerical solution from its own function (relative L1)",
        _mean("of FDM"),
        _percent,
        classical=True,
    ),
    Criterion("Nearest to the direct fit's unknowns", _from_fit, _percent),
    Criterion(
        "Nearest to the numerical solution at its own unknowns",
        _mean("u rel. L2 vs FDM"),
        _percent,
    ),
    Criterion("Fewest iterations to the target", _mean("iterations to target"), short),
    Criterion("Fastest", _mean("seconds"), _seconds, classical=True),
)
"""Tables 2 to 5 of the paper, figure 2, figure 19, and the clock."""
