"""Plans: names, words and files of runs, without heavy imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import experiments, plan, results
from benchmarks.__main__ import _parser, _setting
from benchmarks.setting import PROFILES, Setting
from gbm.sources import source_files

EXPERIMENTS = pytest.mark.parametrize("name", experiments.names())


@EXPERIMENTS
@pytest.mark.parametrize("profile", PROFILES)
def test_words_make_the_planned_run(name: str, profile: str) -> None:
    for setting in experiments.get(name).plan(profile):
        assert _setting(_parser().parse_args(["run", *setting.words])) == setting
        assert plan.words(name, setting.method, setting.name) is not None


@EXPERIMENTS
def test_one_file_a_run(name: str) -> None:
    for profile in PROFILES:
        files = plan.files(name, profile, "results/benchmarks")
        assert len(set(files)) == len(files) > 0
        assert all(file.startswith(f"results/benchmarks/{name}/") for file in files)


def test_the_full_profile_is_the_papers_grid() -> None:
    runs = experiments.get("fisher_kpp").plan("full")
    assert {run.seed for run in runs} == {0, 1, 2, 3, 4}
    assert {run.noise for run in runs} == {0.0, 1e-3, 1e-2, 1e-1}
    assert {run.method for run in runs} == {"bilo", "pinn", "direct_fit"}
    assert {run.w_dat for run in runs if run.method == "pinn"} == {1.0, 10.0, 100.0}
    assert {run.recipe for run in runs} == {"fast", "paper"}
    assert len(experiments.get("fisher_kpp").plan("quick")) < len(runs) / 5


def test_a_problem_without_a_file_here_is_an_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "_problems", lambda: ["fisher_kpp", "brand_new"])
    new = experiments.get("brand_new")
    assert new.methods == ("bilo", "pinn", "direct_fit")
    assert results.path_of(new.plan("quick")[0]).parent == Path("results/benchmarks/brand_new/bilo")


def test_names_tell_settings_apart() -> None:
    base = Setting("fisher_kpp", "pinn", w_dat=1.0)
    others = [
        Setting("fisher_kpp", "pinn", w_dat=10.0),
        Setting("fisher_kpp", "pinn", w_dat=1.0, seed=1),
        Setting("fisher_kpp", "pinn", w_dat=1.0, noise=1e-3),
        Setting("fisher_kpp", "pinn", w_dat=1.0, truth=(("D", 1.7),)),
        Setting("fisher_kpp", "pinn", w_dat=1.0, recipe="paper"),
        Setting("fisher_kpp", "pinn", w_dat=1.0, recipe="paper", profile="full"),
    ]
    assert len({base.name, *(other.name for other in others)}) == 1 + len(others)


@EXPERIMENTS
def test_the_code_behind_a_run_is_known(name: str) -> None:
    for method in experiments.get(name).methods:
        files = {path.name for path in source_files(*plan.modules(name, method))}
        assert {"run.py", "streamed_mlp.py", "tanh_streams.c", "fisher_kpp.py"} <= files
        assert "direct_fit.py" in files


def test_plans_are_light(repository: Path) -> None:
    code = (
        "import sys; from benchmarks import plan, experiments\n"
        "[experiments.get(n).plan('full') for n in experiments.names()]\n"
        "print([n for n in ('torch', 'numpy', 'scipy', 'matplotlib') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
