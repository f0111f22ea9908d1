"""What the numbers say, in plain words: where BiLO wins, where a baseline does. All computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.experiments.theory import EXPERIMENT as THEORY
from benchmarks.summary import Result, Row, rows, short, titles

CLASSICAL = "direct_fit"
CLOSE = 2.0
"""Two numbers whose ratio is smaller are called equal."""


def read(experiment: str, results: Sequence[Result]) -> list[str]:
    """Sentences about an experiment's results, one paragraph each."""
    special = {"cost": _cost, "theory": _theory}.get(experiment)
    if special is not None:
        return special(max(results, key=lambda r: r["profile"] == "full"))
    table = rows(results)
    named = list(zip(titles(table), table, strict=True))
    groups = dict.fromkeys((row.labels["noise"], row.labels["truth"]) for row in table)
    sentences = []
    for noise, truth in groups:
        here = [pair for pair in named if _group(pair[1]) == (noise, truth)]
        place = "Without noise" if noise == "0" else f"At noise {noise}"
        sentences += [f"**{place}, truth {truth}.** " + " ".join(_compare(here))]
    return sentences


def _group(row: Row) -> tuple[str, str]:
    return row.labels["noise"], row.labels["truth"]


def _compare(named: list[tuple[str, Row]]) -> list[str]:
    """Unknowns, field, iterations, time, honesty."""
    trained = [(title, row) for title, row in named if row.labels["method"] != CLASSICAL]
    said = []
    if trained:
        said += _ranked("Nearest to the direct fit's unknowns", trained, _from_fit, _percent)
        said += _ranked(
            "Nearest to the numerical solution at their own unknowns",
            trained,
            lambda row: row.numbers["u rel. L2 vs FDM"].mean,
            _percent,
        )
        said += _ranked(
            "Fewest iterations to the target",
            trained,
            lambda row: row.numbers["iterations to target"].mean,
            short,
        )
        said += [_honest(title, row) for title, row in trained]
    said += _ranked("Fastest", named, lambda row: row.numbers["seconds"].mean, _seconds)
    return said


def _ranked(what: str, named: list[tuple[str, Row]], key: Any, show: Any) -> list[str]:
    """All by one number, the best first; nothing where fewer than two have it."""
    values = sorted(
        ((value, title) for title, row in named if (value := key(row)) is not None),
        key=lambda pair: pair[0],
    )
    if len(values) < 2:
        return []
    best, second = values[0][0], values[1][0]
    told = ", ".join(f"{title} ({show(value)})" for value, title in values)
    close = " (the first two are within a factor of two)" if second < CLOSE * best else ""
    return [f"{what}: {told}{close}."]


def _from_fit(row: Row) -> float | None:
    """Largest mean difference of an unknown from the direct fit of the same data."""
    means = [spread.mean for name, spread in row.numbers.items() if name.endswith(" vs fit")]
    return max((mean for mean in means if mean is not None), default=None)


def _honest(title: str, row: Row) -> str:
    wrong = [run for run in row.runs if run["status"] == "converged" and not run["agrees_with_fit"]]
    count = f"{row.labels['converged']} of {row.labels['runs']} called converged"
    agree = f"{row.labels['agree']} agree with the direct fit"
    warning = f", **{len(wrong)} wrongly**" if wrong else ""
    return f"{title}: {count}{warning}, {agree}."


def _cost(result: Result) -> list[str]:
    said = []
    for problem, step in result["engine"].items():
        said.append(
            f"**A step of BiLO on {problem}** takes {_ms(step['seconds_per_step'])} with the "
            f"engine and {_ms(step['nested_seconds_per_step'])} by textbook nested autograd, "
            f"{step['ratio']:.1f} times as long ({step['ratio_economical']:.1f} times with the "
            f"fewest passes), in {step['peak_memory_mb']:.0f} MB against "
            f"{step['nested_peak_memory_mb']:.0f} MB. A step of a PINN takes "
            f"{_ms(step['pinn_seconds_per_step'])}."
        )
    direct = result["direct_fit"]
    for recipe, run in result["time_to_target"].items():
        reached = f"{run['successes']} of {run['seeds']} seeds"
        if run["extrapolated"]:
            said.append(
                f"**Recipe {recipe}**: {run['steps_run']} of its {run['steps_published']} steps "
                f"were run; all would take {_seconds(run['seconds_of_published_steps'])} here."
            )
        elif run["median_s"] is None:
            said.append(f"**Recipe {recipe}** reached the target for {reached}.")
        else:
            said.append(
                f"**Recipe {recipe}** reached the target ({run['target']}) for {reached}, in a "
                f"median of {_seconds(run['median_s'])}. The direct fit takes "
                f"{_seconds(direct['seconds'])}, {run['median_s'] / direct['seconds']:.0f} times "
                "less: for two scalars and a fast solver it is the better tool."
            )
    return said


def _theory(result: Result) -> list[str]:
    said = []
    for problem in THEORY.problems:
        first, last = result[problem][0], result[problem][-1]
        said.append(
            f"**{problem}**: while the lower loss falls from {short(first['lower_loss'])} to "
            f"{short(last['lower_loss'])}, the angle between the approximate and the exact "
            f"gradient goes from 1 - cos = {short(1 - first['cosine'])} to "
            f"{short(1 - last['cosine'])}, their ratio from {first['norm_ratio']:.3f} to "
            f"{last['norm_ratio']:.4f}; the largest error of the network's sensitivities goes "
            f"from {_percent(first['sensitivity_rel_error'])} to "
            f"{_percent(last['sensitivity_rel_error'])}."
        )
    return said


def _percent(value: float) -> str:
    return f"{short(100 * value)} %"


def _seconds(value: float) -> str:
    return f"{short(value)} s"


def _ms(value: float) -> str:
    return f"{short(1000 * value)} ms"
