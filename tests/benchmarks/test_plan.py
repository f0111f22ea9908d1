"""Plans: names, words and files of runs, without heavy imports."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import experiments, plan
from benchmarks.__main__ import _setting
from benchmarks.arguments import parser
from benchmarks.design import published
from benchmarks.design.experiment import Budget
from benchmarks.design.setting import ALL, METHODS, PROFILES, RECIPES, Setting
from benchmarks.experiments import fisher_kpp
from benchmarks.results import store
from benchmarks.runs import code
from bilo.training import recipes
from bilo.training.code_hash import source_files

EXPERIMENTS = pytest.mark.parametrize("name", experiments.names())


@EXPERIMENTS
@pytest.mark.parametrize("profile", PROFILES)
def test_words_make_the_planned_run(name: str, profile: str) -> None:
    for setting in experiments.get(name).plan(profile):
        assert _setting(parser().parse_args(["run", *setting.words])) == setting
        assert plan.words(name, setting.method, setting.name) is not None


@EXPERIMENTS
def test_one_file_a_run(name: str) -> None:
    for profile in PROFILES:
        files = plan.files(name, profile, "results/benchmarks")
        assert len(set(files)) == len(files) > 0
        assert all(file.startswith(f"results/benchmarks/{name}/") for file in files)


def test_the_full_profile_is_the_papers_grid() -> None:
    runs = experiments.get("fisher_kpp").plan("full")
    assert {run.seed for run in runs if not run.truth} == {0, 1, 2, 3, 4}
    assert {run.noise for run in runs} == {0.0, 1e-3, 1e-2, 1e-1}
    assert {run.method for run in runs} >= {"bilo", "pinn", "direct_fit"}
    assert {run.w_dat for run in runs if run.method == "pinn"} == {1.0, 10.0, 100.0}
    assert {run.recipe for run in runs} >= {"fast", "paper"}
    assert len({run.truth for run in runs}) == 4
    assert all(sum(run.truth == truth for run in runs) == 10 for truth in fisher_kpp.TRUTHS)
    assert len(experiments.get("fisher_kpp").plan("quick")) < len(runs) / 5


def test_every_method_of_the_core_is_known(repository: Path) -> None:
    files = (repository / "bilo" / "methods").glob("[!_]*.py")
    assert {path.stem for path in files} == set(METHODS)
    assert set(recipes.RECIPES) == set(RECIPES)
    for name in experiments.names():
        declared = experiments.get(name)
        assert {*declared.methods, declared.reference} <= {*METHODS, ALL}
        assert {run.recipe for run in declared.plan("full")} <= set(RECIPES)


@pytest.mark.parametrize("name", ["poisson", "heat", "burgers", "darcy"])
def test_unknown_functions_have_their_whole_grid(name: str) -> None:
    """Five seeds, every method that there is, every published setting."""
    runs = experiments.get(name).plan("full")
    assert {run.seed for run in runs} == {0, 1, 2, 3, 4}
    assert all(run.w_reg is not None for run in runs)
    assert {run.method for run in runs} >= {"bilo", "pinn", experiments.get(name).reference}
    labels = [
        {
            "method": run.method,
            "w_reg": f"{run.w_reg:g}",
            "w_dat": "-" if run.w_dat is None else f"{run.w_dat:g}",
            "samples": run.samples or "-",
            "noise": f"{run.noise:g}",
        }
        for run in runs
    ]
    printed = [p for p in published.read(name) if p["method"] in METHODS]
    assert not published.alone(labels, printed)


def test_the_weight_of_the_regulariser_has_a_default() -> None:
    heat, fisher = experiments.get("heat"), experiments.get("fisher_kpp")
    assert (heat.regularisation(0.0), heat.regularisation(0.1)) == (0.0, 1e-2)
    assert heat.regularisation(0.1, 0.0) == 0.0
    assert fisher.regularisation(0.1) is None
    weights = {"poisson": 1e-3, "burgers": 1e-5, "darcy": 1e-9}
    assert {name: experiments.get(name).regularisation(0.0) for name in weights} == weights


def test_functions_have_a_classical_control() -> None:
    judges = {name: experiments.get(name).reference for name in ("poisson", "heat", "darcy")}
    assert judges == {"poisson": "adjoint", "heat": "tikhonov", "darcy": "adjoint"}
    assert {"adjoint", "descent"} <= set(experiments.get("poisson").methods)


def test_a_method_has_the_recipe_of_its_grid() -> None:
    poisson = experiments.get("poisson")
    assert (poisson.recipe_of("bilo"), poisson.recipe_of("pinn")) == ("lm", "fast")
    assert experiments.get("bpn").recipe_of("bpn") == "paper"


def test_options_follow_the_grids() -> None:
    bpn, particles = experiments.get("bpn"), experiments.get("particles")
    assert bpn.choices("bilo", "boundary") == ("hard", "soft")
    assert bpn.choices("direct_fit", "boundary") == ()
    assert particles.choices("pinn", "w_dat")[0] == 1e-2


def test_a_problem_without_a_file_here_is_an_experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "_problems", lambda: ["fisher_kpp", "brand_new"])
    new = experiments.get("brand_new")
    assert set(new.methods) == {"bilo", "pinn", "direct_fit"}
    assert store.path_of(new.plan("quick")[0]).parent == Path("results/benchmarks/brand_new/bilo")


def test_names_tell_settings_apart() -> None:
    base = Setting("fisher_kpp", "pinn", w_dat=1.0)
    others = [
        Setting("fisher_kpp", "pinn", w_dat=10.0),
        Setting("fisher_kpp", "pinn", w_dat=1.0, seed=1),
        Setting("fisher_kpp", "pinn", w_dat=1.0, noise=1e-3),
        Setting("fisher_kpp", "pinn", w_dat=1.0, truth=(("D", 1.7),)),
        Setting("fisher_kpp", "pinn", w_dat=1.0, samples="dense"),
        Setting("fisher_kpp", "pinn", w_dat=1.0, boundary="soft"),
        Setting("fisher_kpp", "pinn", w_dat=1.0, recipe="paper"),
        Setting("fisher_kpp", "pinn", w_dat=1.0, recipe="paper", profile="full"),
    ]
    assert len({base.name, *(other.name for other in others)}) == 1 + len(others)


@EXPERIMENTS
def test_the_code_behind_a_run_is_known(name: str) -> None:
    for method in experiments.get(name).methods:
        files = {path.as_posix() for path in source_files(*code.modules(name, method))}
        names = {Path(file).name for file in files}
        module = experiments.get(name).module.split(".")[-1]
        judge = f"{experiments.get(name).reference}.py"
        assert {f"{module}.py", "taylor_mlp.py", "tanh_streams.c", judge} <= names
        for problem in experiments.get(name).problems or (name,):
            assert any(file.endswith(f"bilo/problems/{problem}.py") for file in files)


def test_the_code_behind_a_run_is_that_of_its_method_alone() -> None:
    """An edit of one method, of a page or of a grid makes no other run stale."""
    files = {path.as_posix() for path in source_files(*code.modules("poisson", "adjoint"))}
    for other in ("methods/bilo.py", "methods/pinn.py", "methods/deeponet.py"):
        assert not [file for file in files if file.endswith(other)]
    assert not [file for file in files if "/pages/" in file or "/figures/" in file]
    assert not [file for file in files if file.endswith("experiments/poisson.py")]


def test_what_an_experiment_says_of_a_run_belongs_to_its_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = experiments.get("burgers")
    fast = Setting("burgers", "bilo", w_reg=1e-5)
    paper, control = replace(fast, recipe="paper"), replace(fast, method="adjoint")
    before = [code.of(run) for run in (fast, paper, control)]
    budgets = {**declared.budgets, ("fast", "quick"): Budget(1, 1, points=2)}
    other = replace(declared, budgets=budgets, remarks=("Another.",), figures=())
    monkeypatch.setattr(experiments, "get", lambda name: other)
    after = [code.of(run) for run in (fast, paper, control)]
    assert [a == b for a, b in zip(after, before, strict=True)] == [False, True, True]


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


def test_every_word_of_the_command_is_explained() -> None:
    """By ``--help``, of which nobody should have to ask more."""
    (commands,) = (action for action in parser()._actions if action.dest == "command")
    assert isinstance(commands.choices, dict)
    for command in commands.choices.values():
        assert command.description
        assert all(action.help for action in command._actions)
