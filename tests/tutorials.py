"""Tutorials of the documentation: their blocks are run one after the other, as a reader would.

python -m tests.tutorials    runs the quick ones, draws their figures again, and prints what differs
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "docs/tutorials"
QUICK = [FOLDER / "equation.md", FOLDER / "function.md"]
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.M | re.S)
NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"


def run(page: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Run the blocks of a page in a folder, those of Python in one namespace.

    Yields what each printed, and what the page says of it: the block of text that follows.
    """
    names = {"__name__": "tutorial"}
    for language, code, expected in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "bash":
            yield "".join(_command(line, folder) for line in code.splitlines()), expected
            continue
        printed = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), names)
        yield printed.getvalue(), expected


def agree(printed: str, expected: str) -> bool:
    """Whether words are the same, and numbers to 10 % or a thousandth; `...` is anything."""
    expected = _flat(expected)
    words = [re.escape(part).replace(r"\.\.\.", ".*") for part in re.split(NUMBER, expected)]
    found = re.fullmatch(f"({NUMBER})".join(words), _flat(printed))
    if found is None:
        return False
    numbers = [float(number) for number in re.findall(NUMBER, expected)]
    return [float(number) for number in found.groups()] == pytest.approx(numbers, rel=0.1, abs=1e-3)


def figures(page: Path) -> set[str]:
    """Names of the figures of a page that its code draws."""
    return set(re.findall(r"\(figures/([\w-]+\.svg)\)", page.read_text(encoding="utf-8")))


def _command(line: str, folder: Path) -> str:
    # as a module: nothing may be installed here
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(line)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _flat(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Draw the figures again."""
    # a figure that did not change is the same file: no date of today, no random names in it
    os.environ["SOURCE_DATE_EPOCH"] = "0"
    matplotlib.rcParams["svg.hashsalt"] = "tutorials"
    for page in QUICK:
        with tempfile.TemporaryDirectory() as folder:
            for printed, expected in run(page, Path(folder)):
                if not agree(printed, expected):
                    print(f"{page.name}:\n{printed}")
            for figure in figures(page):
                shutil.copy(Path(folder) / figure, FOLDER / "figures" / figure)


if __name__ == "__main__":
    main()
