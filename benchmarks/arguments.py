"""The words of the command line, and what each may be."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import NoReturn

from benchmarks import experiments
from benchmarks.design.setting import AUTO, DEVICES, PROFILES, RECIPES
from benchmarks.results import store
from benchmarks.runs import archive

LARGEST_SEED = 2**31
LARGEST_NOISE = 1e6


class _Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """Of ``python -m benchmarks``."""
    whole = _Parser(prog="python -m benchmarks", description="The experiments of the paper.")
    whole.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = whole.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def command(name: str, told: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")

    command("list", "names of all experiments, and what they are about")
    run = command("run", "one run of an experiment")
    _experiment(run)
    _setting(run)
    table = command("table", "table and figures of an experiment, from the results there are")
    _experiment(table)
    _results(table, store.ROOT, "read and written")
    table.add_argument(
        "--suffix", default="", metavar="TEXT", help="put after `table` in the names of its files"
    )
    keep = command("keep", "take new runs of the code of now over into the repository")
    keep.add_argument(
        "--new",
        type=Path,
        required=True,
        metavar="DIR",
        help="new runs, CODE/EXPERIMENT/METHOD/*.json; of the workflow: results/benchmarks/runs",
    )
    _results(keep, archive.ROOT, "written")
    page = command("page", "the page of results, and one an experiment, from the runs kept")
    _results(page, archive.ROOT, "read")
    page.add_argument(
        "--out",
        type=Path,
        default=Path("docs/results.md"),
        metavar="FILE.md",
        help="the page; the others go to a folder of its name (default: %(default)s)",
    )
    return whole


def _experiment(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "experiment",
        choices=experiments.names(),
        metavar="EXPERIMENT",
        help="a name that `python -m benchmarks list` shows",
    )


def _results(command: argparse.ArgumentParser, default: Path, done: str) -> None:
    command.add_argument(
        "--results",
        type=Path,
        default=default,
        metavar="DIR",
        help=f"results {done}, EXPERIMENT/METHOD/*.json (default: %(default)s)",
    )


def _setting(run: argparse.ArgumentParser) -> None:
    """What varies between the runs of an experiment."""
    add = run.add_argument
    add("--method", metavar="M", help="default: the experiment's first")
    add("--seed", type=_count, default=0, metavar="S", help="of network and noise (default: 0)")
    add(
        "--noise",
        type=_deviation,
        default=0.0,
        metavar="SD",
        help="standard deviation of the noise on the data (default: 0)",
    )
    add(
        "--truth",
        type=_truth,
        default=(),
        metavar="D=1.7,rho=2.3",
        help="unknowns behind the data; of a function, the number of an example (f=2)",
    )
    add("--w-dat", type=_weight, metavar="W", help="weight of the data (pinn)")
    add("--samples", metavar="S", help="of the unknowns (deeponet): coarse|dense ..")
    add("--boundary", metavar="hard|soft", help="boundary values (bpn)")
    add("--w-reg", type=_chosen, metavar="W|auto", help="weight of a function's regulariser")
    add(
        "--profile",
        choices=PROFILES,
        default="quick",
        metavar="|".join(PROFILES),
        help="budget of the training (default: quick)",
    )
    add(
        "--recipe",
        choices=RECIPES,
        metavar="|".join(RECIPES),
        help="of the training of a network (default: the experiment's)",
    )
    add(
        "--device",
        choices=DEVICES,
        default="auto",
        metavar="|".join(DEVICES),
        help="auto, the default: a GPU where there is one",
    )
    add("--out", metavar="FILE.json|-", help=f"default: below {store.ROOT}; -: standard output")


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
