"""Costs of the steps: gathered over patients, by kind."""

from __future__ import annotations

from pathlib import Path

from gbm.steps.costs import run

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def _write(folder: Path, step: str, seconds: float, memory: str, cpu: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    row = f"{seconds}\t0:00:01\t{memory}\t1\t1\t1\t0.00\t0.00\t50.0\t{cpu}\n"
    (folder / f"{step}.tsv").write_text(HEAD + row)


def test_costs_are_by_kind_of_step_the_dearest_first(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    _write(a, "check", 1.0, "200.00", "0.50")
    _write(b, "check", 3.0, "300.00", "0.70")
    _write(a, "fit_bilo_char_inferred_seed0", 60.0, "500.00", "58.00")
    _write(a, "fit_pinn_char_w1e-3_seed0", 80.0, "600.00", "75.00")
    _write(a, "fit_pinn_char_w1e-4_seed0", 90.0, "650.00", "85.00")
    _write(b, "metrics", 0.2, "-", "NA")
    run([a, b], tmp_path / "costs.tsv")
    rows = [line.split("\t") for line in (tmp_path / "costs.tsv").read_text().splitlines()]
    assert rows[0][:2] == ["step", "jobs"]
    assert rows[1:] == [
        ["fit pinn", "2", "85.0", "80.0", "85.0", "650.0"],
        ["fit bilo", "1", "60.0", "58.0", "58.0", "500.0"],
        ["check", "2", "2.0", "0.6", "0.7", "300.0"],
        ["metrics", "1", "0.2", "n/a", "n/a", "n/a"],
    ]
