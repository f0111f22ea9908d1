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
import math
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmarks import experiments
from benchmarks.design.errors import CommandError
from benchmarks.design.experiment import Experiment
from benchmarks.design.setting import ALL, AUTO, DEVICES, OPTIONS, PROFILES, RECIPES, Setting
from benchmarks.results import store
from benchmarks.runs import archive, code

LARGEST_SEED = 2**31
LARGEST_NOISE = 1e6


class _Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0, 1 for a failure, 2 for wrong words."""
    chosen = _parser().parse_args(words)
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m benchmarks", description="The experiments of the paper.")
    parser.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    commands.add_parser("list", help="names of all experiments")
    run = commands.add_parser("run", help="one run of an experiment")
    run.add_argument("experiment", choices=experiments.names(), metavar="EXPERIMENT")
    run.add_argument("--method", metavar="M", help="default: the experiment's first")
    run.add_argument("--seed", type=_count, default=0, metavar="S")
    run.add_argument("--noise", type=_deviation, default=0.0, metavar="SD")
    run.add_argument("--truth", type=_truth, default=(), metavar="D=1.7,rho=2.3")
    run.add_argument("--w-dat", type=_weight, metavar="W", help="weight of the data (pinn)")
    run.add_argument("--samples", metavar="S", help="of the unknowns (deeponet): coarse|dense ..")
    run.add_argument("--boundary", metavar="hard|soft", help="boundary values (bpn)")
    run.add_argument("--w-reg", type=_chosen, metavar="W|auto", help="weight of the regulariser")
    run.add_argument("--profile", choices=PROFILES, default="quick", metavar="|".join(PROFILES))
    run.add_argument("--recipe", choices=RECIPES, metavar="|".join(RECIPES))
    run.add_argument("--device", choices=DEVICES, default="auto", metavar="|".join(DEVICES))
    run.add_argument("--out", metavar="FILE.json|-", help="default: below results/benchmarks")
    table = commands.add_parser("table", help="table and figures from the results there are")
    table.add_argument("experiment", choices=experiments.names(), metavar="EXPERIMENT")
    table.add_argument("--results", type=Path, default=store.ROOT, metavar="DIR")
    table.add_argument("--suffix", default="", metavar="TEXT", help="of the table's files")
    keep = commands.add_parser("keep", help="take new runs over into the repository")
    keep.add_argument("--new", type=Path, required=True, metavar="DIR", help="of the workflow")
    keep.add_argument("--results", type=Path, default=archive.ROOT, metavar="DIR")
    page = commands.add_parser("page", help="the page of results, and one an experiment")
    page.add_argument("--results", type=Path, default=archive.ROOT, metavar="DIR")
    page.add_argument("--out", type=Path, default=Path("docs/results.md"), metavar="FILE.md")
    return parser


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
        raise CommandError(f"--{flag}: it says nothing to {method} in {experiment.name}")
    if isinstance(value, str) and value not in choices:
        known = ", ".join(map(str, choices))
        raise CommandError(f"--{flag}: no {value!r} for {method}; there is {known}")
    return value


def _table(chosen: argparse.Namespace) -> None:
    from benchmarks.pages.table import write

    print(write(chosen.experiment, chosen.results, chosen.suffix), end="")


def _keep(chosen: argparse.Namespace) -> None:
    written = archive.keep(chosen.new, chosen.results)
    print(f"written: {len(written)} runs in {chosen.results}", file=sys.stderr)


def _page(chosen: argparse.Namespace) -> None:
    from benchmarks.pages.page import write

    store.check_writable(chosen.out)
    write(chosen.results, chosen.out)
    print(f"written: {chosen.out}", file=sys.stderr)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2^31")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _deviation(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise argparse.ArgumentTypeError("a standard deviation is not negative")
    if value > LARGEST_NOISE:
        raise argparse.ArgumentTypeError(f"a standard deviation above {LARGEST_NOISE:g}")
    return value


def _weight(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise argparse.ArgumentTypeError("a weight is not negative")
    return value


def _chosen(text: str) -> float | str:
    return AUTO if text == AUTO else _weight(text)


def _truth(text: str) -> tuple[tuple[str, float], ...]:
    pairs: list[tuple[str, float]] = []
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not (name and equals):
            raise argparse.ArgumentTypeError(f"{part!r} is not NAME=VALUE")
        if name.strip() in dict(pairs):
            raise argparse.ArgumentTypeError(f"{name.strip()} is given twice")
        pairs.append((name.strip(), _number(value)))
    return tuple(pairs)


if __name__ == "__main__":
    sys.exit(main())
