"""From single runs to rows of a table: means and standard deviations over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]
Group = tuple[str, str, float | None, float | None, float, tuple[tuple[str, float], ...]]

FIELDS = {
    "u rel. L2 vs FDM": "u_rel_l2_vs_fdm",
    "L_dat": "data_loss",
    "(L_dat - s2)/s2": "data_loss_rel_error",
    "seconds": "seconds",
    "s/step": "seconds_per_step",
}
"""Columns of the table and the fields they come from."""


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
    """

    labels: dict[str, str]
    numbers: dict[str, Spread]


def rows(results: Sequence[Result]) -> list[Row]:
    """Runs grouped by everything but the seed, in order of noise, method and recipe."""
    groups: dict[Group, list[Result]] = {}
    for result in results:
        groups.setdefault(_group(result), []).append(result)
    ordered = sorted(groups, key=lambda g: (g[4], g[5], g[0], g[1], g[2] or 0.0, g[3] or 0.0))
    return [_row(group, groups[group]) for group in ordered]


def short(value: float) -> str:
    """Two significant digits.

    >>> short(0.00123), short(12.3), short(0.0)
    ('1.2e-3', '12', '0')
    """
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _group(result: Result) -> Group:
    truth = tuple((name, row["truth"]) for name, row in result["unknowns"].items())
    recipe = result["recipe"] or ""
    if recipe not in ("", "fast"):
        recipe = f"{recipe} ({result['profile']})"
    return result["method"], recipe, result["w_dat"], result["w_reg"], result["noise"], truth


def _row(group: Group, runs: list[Result]) -> Row:
    method, recipe, w_dat, w_reg, noise, truth = group
    labels = {
        "method": method,
        "recipe": recipe or "-",
        "w_dat": "-" if w_dat is None else f"{w_dat:g}",
        "w_reg": "-" if w_reg is None else f"{w_reg:g}",
        "noise": f"{noise:g}",
        "truth": ", ".join(f"{name} {value:g}" for name, value in truth),
        "runs": str(len(runs)),
        "converged": str(sum(run["status"] == "converged" for run in runs)),
    }

    numbers = {}
    for name, _ in truth:
        unknown = [run["unknowns"][name] for run in runs]
        numbers[f"{name} rel. error"] = Spread.of([k["rel_error"] for k in unknown])
        against = [k["rel_error_vs_reference_fit"] for k in unknown]
        numbers[f"{name} vs fit"] = Spread.of(against)
    for column, field in FIELDS.items():
        numbers[column] = Spread.of([run[field] for run in runs])
    return Row(labels, numbers)
