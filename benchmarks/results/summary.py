"""From single runs to rows of a table: means and standard deviations over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

Result = dict[str, Any]

FIELDS = {
    "max. error": "field_error.linf",
    "rel. L2 error": "field_error.l2",
    "mean square error": "field_error.mean_square",
    "accuracy": "accuracy",
    "least L2 of it": "least_l2_of_accuracy",
    "u rel. L2 vs FDM": "u_rel_l2_vs_fdm",
    "u rel. L2 vs truth": "u_rel_l2_vs_truth",
    "u(x, 1) rel. L1": "u_final_rel_l1",
    "of FDM": "u_final_rel_l1_fdm",
    "shock error": "shock_error",
    "shock error of FDM": "shock_error_fdm",
    "L_dat": "data_loss",
    "(L_dat - s2)/s2": "data_loss_rel_error",
    "iterations to target": "iterations_to_target",
    "seconds to target": "seconds_to_target",
    "seconds to the published accuracy": "seconds_to_published",
    "seconds": "seconds",
    "s/step": "seconds_per_step",
}
"""Columns of the table and the fields they come from; a dot leads into a field."""


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over the runs that have the number."""

    mean: float | None
    sd: float | None

    @classmethod
    def of(cls, values: Sequence[float | None]) -> Spread:
        """Of the values that are there; the deviation needs two."""
        known = [v for v in values if v is not None]
        if not known:
            return cls(None, None)
        return cls(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)

    def __str__(self) -> str:
        """Two significant digits, as ``1.2e-3 ± 4.0e-4``."""
        if self.mean is None:
            return "-"
        return short(self.mean) + ("" if self.sd is None else f" ± {short(self.sd)}")


@dataclass(frozen=True)
class Row:
    """One setting over its seeds.

    Attributes
    ----------
    labels : dict of str
        What was run.
    numbers : dict of Spread
        What came out, by column.
    runs : tuple of Result
        Those it stands for.
    """

    labels: dict[str, str]
    numbers: dict[str, Spread]
    runs: tuple[Result, ...]

    @property
    def noise(self) -> float:
        """Standard deviation of the noise."""
        return float(self.runs[0]["noise"])

    def title(self, *, recipe: bool) -> str:
        """Method and options in a few words, with the recipe if asked for.

        >>> labels = {"method": "pinn", "recipe": "fast", "w_dat": "10"}
        >>> Row(labels, {}, ()).title(recipe=False)
        'pinn w_dat 10'
        """
        options = {"w_dat": "w_dat {}", "samples": "{}", "boundary": "{}", "w_reg": "w_reg {}"}
        parts = [self.labels["method"]]
        parts += [
            text.format(self.labels[name])
            for name, text in options.items()
            if self.labels.get(name, "-") != "-"
        ]
        parts += [self.labels["recipe"]] if recipe and self.labels["recipe"] != "-" else []
        return " ".join(parts)


def rows(results: Sequence[Result]) -> list[Row]:
    """Runs grouped by everything but the seed, in order of noise, truth, method and options."""
    groups: dict[tuple[tuple[str, str], ...], list[Result]] = {}
    for result in sorted(results, key=_order):
        groups.setdefault(tuple(_labels(result).items()), []).append(result)
    return [_row(dict(labels), runs) for labels, runs in groups.items()]


def titles(table: Sequence[Row]) -> list[str]:
    """A title for each row; the recipe is said where there is more than one."""
    several = len({row.labels["recipe"] for row in table} - {"-"}) > 1
    return [row.title(recipe=several) for row in table]


def short(value: float) -> str:
    """Two significant digits.

    >>> short(0.00123), short(12.3), short(0.0)
    ('1.2e-3', '12', '0')
    """
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def truth_of(result: Result) -> tuple[float, ...]:
    """What tells truths apart: values of scalars, the numbers of examples of functions."""
    return tuple(
        (row["example"] or 0) if _is_function(row) else row["truth"]
        for row in result["unknowns"].values()
    )


def _is_function(row: Mapping[str, Any]) -> bool:
    return "nodes" in row


def _said(name: str, row: Mapping[str, Any]) -> str | None:
    """A truth in words; None for a function where there is nothing to choose from."""
    if not _is_function(row):
        return f"{name} {row['truth']:g}"
    return None if row["example"] is None else f"{name} example {row['example']}"


def _order(result: Result) -> tuple[Any, ...]:
    options = (result["w_dat"] or 0.0, result["samples"] or "", result["boundary"] or "")
    weight = -(result["w_reg"] or 0.0)
    which = (result["noise"], truth_of(result), result["method"], result["recipe"] or "")
    return *which, weight, *options


def _labels(result: Result) -> dict[str, str]:
    recipe = result["recipe"] or "-"
    if recipe not in ("-", "fast"):
        recipe = f"{recipe} ({result['profile']})"
    return {
        "method": result["method"],
        "recipe": recipe,
        "w_dat": _told(result["w_dat"]),
        "samples": result["samples"] or "-",
        "boundary": result["boundary"] or "-",
        "w_reg": _told(result["w_reg"]),
        "noise": f"{result['noise']:g}",
        "truth": ", ".join(filter(None, starmap(_said, result["unknowns"].items()))) or "-",
    }


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _row(labels: dict[str, str], runs: list[Result]) -> Row:
    counts = {
        "runs": str(len(runs)),
        "converged": str(sum(run["status"] == "converged" for run in runs)),
        "agree": "-"
        if any(run["agrees_with_fit"] is None for run in runs)
        else str(sum(run["agrees_with_fit"] for run in runs)),
    }
    numbers = {}
    several = sum(map(_is_function, runs[0]["unknowns"].values())) > 1
    for name, first in runs[0]["unknowns"].items():
        unknown = [run["unknowns"][name] for run in runs]
        if several or not _is_function(first):  # else it is among the fields
            numbers[f"{name} rel. error"] = Spread.of([k["rel_error"] for k in unknown])
        against = [k["rel_error_vs_reference_fit"] for k in unknown]
        numbers[f"{name} vs fit"] = Spread.of(against)
        if _is_function(first):
            best = [run.get(f"best_penalty.{name}") for run in runs]
            numbers[f"{name} of best penalty"] = Spread.of(best)
    for column, field in FIELDS.items():
        numbers[column] = Spread.of([value_of(run, field) for run in runs])
    return Row(labels | counts, numbers, tuple(runs))


def value_of(run: Result, field: str) -> float | None:
    """A number of a result; None where there is none. A dot leads into a field."""
    if field in run:
        return run[field]
    value: Any = run
    for name in field.split("."):
        value = (value or {}).get(name)
    return value
