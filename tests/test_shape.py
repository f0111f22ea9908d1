"""The shape of the house: modules and functions of a size to take in, and a true drawing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.test_imports import ORDER

MAX_PARAMETERS = 7
MAX_FUNCTION_LINES = 80
MAX_MODULE_LINES = 300

PACKAGES = pytest.mark.parametrize("package", ORDER)


def _modules(repository: Path, package: str) -> list[tuple[Path, str]]:
    paths = sorted((repository / package).rglob("*.py"))
    return [(path.relative_to(repository), path.read_text(encoding="utf-8")) for path in paths]


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of all parameters; the instance is none."""
    said = function.args
    several = [a for a in (said.vararg, said.kwarg) if a is not None]
    names = [a.arg for a in (*said.posonlyargs, *said.args, *said.kwonlyargs, *several)]
    return [name for name in names if name not in ("self", "cls")]


@PACKAGES
def test_functions_are_narrow_and_short(repository: Path, package: str) -> None:
    """A value type takes the place of parameters that belong together."""
    wrong = []
    for path, text in _modules(repository, package):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                parameters, lines = len(_parameters(node)), node.end_lineno - node.lineno + 1
                if parameters > MAX_PARAMETERS or lines > MAX_FUNCTION_LINES:
                    wrong.append(f"{path}: {node.name}: {parameters} parameters, {lines} lines")
    assert not wrong, "\n".join(wrong)


@PACKAGES
def test_modules_are_short(repository: Path, package: str) -> None:
    lines = {path: len(text.splitlines()) for path, text in _modules(repository, package)}
    assert not {str(path): n for path, n in lines.items() if n > MAX_MODULE_LINES}


def test_the_drawing_of_the_house_is_true(repository: Path) -> None:
    """`CONTRIBUTING.md` names every folder of the packages, in the order of their imports."""
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^ {4}(\w+)/(\w+) {2,}\S.*$", text, re.MULTILINE)
    assert drawn == [(package, room) for package, rooms in ORDER.items() for room in rooms]


def test_places_for_new_things_exist(repository: Path) -> None:
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"`((?:bilo|gbm|benchmarks|workflow|tests)/[^`<>]*)`", text)
    assert places
    assert not [place for place in places if not (repository / place).exists()]


def test_the_problems_of_the_paper_are_what_it_says(repository: Path) -> None:
    """Five of the eight fit on a screen; burgers, darcy and particles have ideas of their own."""
    names = ("poisson", "poisson_scalar", "heat", "burgers", "darcy", "fisher_kpp", "particles")
    files = [repository / f"bilo/problems/{name}.py" for name in (*names, "bpn")]
    lines = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in files)
    assert lines[4] <= 45
    assert lines[-1] <= 80
