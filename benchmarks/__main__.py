"""Command line of the experiments.

python -m benchmarks list
python -m benchmarks run EXPERIMENT [--method M] [--seed S] [--noise SD] [--out FILE.json]
python -m benchmarks table EXPERIMENT
python -m benchmarks keep --new DIR
python -m benchmarks page [--results DIR] [--out FILE.md]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import arguments, experiments
from benchmarks.design.errors import CommandError
from benchmarks.design.experiment import Experiment
from benchmarks.design.setting import ALL, AUTO, OPTIONS, UNTRAINED, Setting
from benchmarks.results import store
from benchmarks.runs import archive, code


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 1 for a failure, 2 for wrong words."""
    chosen = arguments.parser().parse_args(words)
    try:
        if chosen.command == "list":
            for name in experiments.names():
                print(f"{name:14} {experiments.get(name).summary}")
        elif chosen.command == "run":
            _run(chosen)
        elif chosen.command == "table":
            _table(chosen)
        elif chosen.command == "keep":
            _keep(chosen)
        else:
            _page(chosen)
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if chosen.traceback:
            traceback.print_exc()
        text = " ".join(str(error).split())
        print(f"error: {type(error).__name__}: {text}", file=sys.stderr)
        return 1
    return 0


def _run(chosen: argparse.Namespace) -> None:
    setting = _setting(chosen)
    path = store.path_of(setting) if chosen.out is None else Path(chosen.out)
    alone = chosen.out == "-"
    if not alone:
        store.check_writable(path)
    # whatever a library prints must not get between the lines of the result
    with contextlib.redirect_stdout(sys.stderr):
        made = code.provenance(setting)  # before the run: sources may be edited meanwhile
        module = importlib.import_module(experiments.get(setting.experiment).module)
        result = {**module.run(setting), **made}
    if alone:
        sys.stdout.write(store.as_json(result))
    else:
        store.write_text(path, store.as_json(result))
        print(f"written: {path}", file=sys.stderr)


def _setting(chosen: argparse.Namespace) -> Setting:
    experiment = experiments.get(chosen.experiment)
    method = chosen.method or experiment.methods[0]
    if method not in experiment.methods:
        known = ", ".join(experiment.methods)
        raise CommandError(f"--method: {experiment.name} has no {method!r}; there are {known}")
    if chosen.w_reg is not None and experiment.w_reg is None:
        raise CommandError(f"--w-reg: {experiment.name} has no unknown function to regularise")
    if method == ALL and (chosen.noise or chosen.truth):
        raise CommandError(f"--noise, --truth: {experiment.name} has its own data")
    if chosen.recipe is not None and method in UNTRAINED:
        raise _meaningless("recipe", experiment, method)
    if chosen.device == "cuda" and method in UNTRAINED:
        whom = experiment.name if method == ALL else method
        raise CommandError(f"--device: {whom} computes on the CPU")
    recipe = chosen.recipe or experiment.recipe_of(method)
    if chosen.w_reg == AUTO and (method, recipe) != ("bilo", "varpro"):
        raise CommandError(
            f"--w-reg auto: bilo with recipe varpro alone chooses the weight, not {method} with "
            f"{recipe}"
        )
    return Setting(
        experiment.name,
        method,
        seed=chosen.seed,
        noise=chosen.noise,
        truth=chosen.truth,
        w_reg=experiment.regularisation(chosen.noise, chosen.w_reg),
        recipe=recipe,
        profile=chosen.profile,
        device=chosen.device,
        **{name: _option(experiment, method, name, getattr(chosen, name)) for name in OPTIONS},
    )


def _option(experiment: Experiment, method: str, name: str, value: Any) -> Any:
    """The value of an option, or its default; None where the option means nothing."""
    choices = experiment.choices(method, name)
    flag = name.replace("_", "-")
    if value is None:
        return choices[0] if choices else None
    if not choices:
        raise _meaningless(flag, experiment, method)
    if isinstance(value, str) and value not in choices:
        known = ", ".join(map(str, choices))
        raise CommandError(f"--{flag}: no {value!r} for {method}; there is {known}")
    return value


def _meaningless(flag: str, experiment: Experiment, method: str) -> CommandError:
    whom = experiment.name if method == ALL else f"{method} in {experiment.name}"
    return CommandError(f"--{flag}: it says nothing to {whom}")


def _table(chosen: argparse.Namespace) -> None:
    from benchmarks.pages.table import write

    print(write(chosen.experiment, chosen.results, chosen.suffix), end="")


def _keep(chosen: argparse.Namespace) -> None:
    written = archive.keep(chosen.new, chosen.results)
    if written:
        print(f"written: {len(written)} runs in {chosen.results}", file=sys.stderr)
    else:
        print(f"nothing to take over: no run of the code of now in {chosen.new}", file=sys.stderr)


def _page(chosen: argparse.Namespace) -> None:
    from benchmarks.pages.page import write

    store.check_writable(chosen.out)
    write(chosen.results, chosen.out)
    print(f"written: {chosen.out}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
