"""What the paper printed, as data: rows of ``published.tsv``.

A blank setting (``w_reg``, ``w_dat``, ``samples``, ``noise``) stands for all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files

from benchmarks.design.setting import told

Printed = Mapping[str, str]
SETTINGS = ("method", "w_reg", "w_dat", "samples", "noise")
"""Columns that say what was run, as the labels of `summary.Row` do."""


def read(experiment: str) -> list[dict[str, str]]:
    """Published numbers of an experiment."""
    text = files("benchmarks.design").joinpath("published.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return [dict(row) for row in rows if row["experiment"] == experiment]


def beside(labels: Mapping[str, str], printed: Sequence[Printed]) -> dict[str, str]:
    """The printed numbers of a row of ours with their deviations, by quantity."""
    return {p["quantity"]: shown(p) for p in printed if _covers(p, labels)}


def values(labels: Mapping[str, str], printed: Sequence[Printed]) -> dict[str, str]:
    """The printed numbers of a row of ours alone, by quantity."""
    return {p["quantity"]: p["value"] for p in printed if _covers(p, labels)}


def levels(experiment: str, w_reg: float | str | None, noise: float) -> dict[str, float]:
    """How good the function of the published BiLO is at a weight and a noise, by quantity."""
    labels = dict.fromkeys(SETTINGS, "-")
    labels |= {"method": "bilo", "noise": f"{noise:g}"}
    labels |= {} if w_reg is None else {"w_reg": told(w_reg)}
    return {
        p["quantity"]: float(p["value"])
        for p in read(experiment)
        if _covers(p, labels) and p["quantity"].startswith(("field_error.", "accuracy"))
    }


def alone(ours: Sequence[Mapping[str, str]], printed: Sequence[Printed]) -> list[dict[str, str]]:
    """Settings that were printed and have no row of ours."""
    missing = [p for p in printed if not any(_covers(p, labels) for labels in ours)]
    settings = ({name: p[name] or "-" for name in SETTINGS} for p in missing)
    return [dict(found) for found in dict.fromkeys(tuple(s.items()) for s in settings)]


def shown(p: Printed) -> str:
    """A printed number with its standard deviation."""
    return f"{p['value']} ± {p['sd']}" if p["sd"] else p["value"]


def _covers(p: Printed, labels: Mapping[str, str]) -> bool:
    return all(p[name] in ("", labels[name]) for name in SETTINGS)
