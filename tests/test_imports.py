"""Imports go one way, and what must be light stays light."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ORDER = {
    "bilo": (
        "taylor", "solvers", "optimisation", "posterior", "inverse", "problems", "networks",
        "training", "lower", "upper", "classical", "methods",
    ),
    "gbm": (
        "config", "io", "dicom", "imaging", "registration", "domain", "growth", "search",
        "posterior", "network_fit", "plan", "results", "judging", "report", "demo", "steps",
        "command",
    ),
    "benchmarks": (
        "design", "results", "experiments", "runs", "theory", "cost", "figures", "pages",
    ),
}  # fmt: skip
"""The rooms of each package; a room imports from itself and from those before it only."""
ALLOWED = {
    "bilo": {"bilo"},
    "gbm": {"gbm", "bilo"},
    "benchmarks": {"benchmarks", "bilo"},
}
CORE = {"torch", "numpy", "scipy", "pytorch_optimizer", "safetensors", "tqdm"}
HEAVY = ("torch", "nilearn", "SimpleITK", "monai", "matplotlib", "scipy", "nibabel")


def _modules(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """Top-level names a module imports, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def _rooms_imported(path: Path, package: str) -> Iterator[str]:
    """Rooms of its own package that a module imports from; ``version`` is no room."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            first, _, rest = name.partition(".")
            if first == package and not rest.startswith("version."):
                yield rest.split(".")[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_one_way(repository: Path, package: str) -> None:
    wrong = [
        f"{path.relative_to(repository)} imports {name}"
        for path in _modules(repository / package)
        for name in _imported(path)
        if name.split(".")[0] in ALLOWED and name.split(".")[0] not in ALLOWED[package]
    ]
    assert not wrong


def test_rooms_are_those_of_the_order(repository: Path) -> None:
    for package, rooms in ORDER.items():
        found = {path.parent.name for path in (repository / package).glob("*/__init__.py")}
        assert found == set(rooms)


@pytest.mark.parametrize("package", ORDER)
def test_rooms_import_one_way(repository: Path, package: str) -> None:
    order = ORDER[package]
    wrong = [
        f"{path.relative_to(repository)} imports {name}"
        for room in order
        for path in _modules(repository / package / room)
        for name in _rooms_imported(path, package)
        if name not in order[: order.index(room) + 1]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_know_no_snakemake(repository: Path, package: str) -> None:
    wrong = [
        str(path.relative_to(repository))
        for path in _modules(repository / package)
        if any(name.split(".")[0] == "snakemake" for name in _imported(path))
    ]
    assert not wrong


def test_the_core_needs_little(repository: Path) -> None:
    known = CORE | {"bilo"} | set(sys.stdlib_module_names)
    foreign = {
        f"{path.relative_to(repository)}: {name}"
        for path in _modules(repository / "bilo")
        for name in _imported(path)
        if name.split(".")[0] not in known
    }
    assert not foreign


def test_torch_is_imported_by_the_fit_alone(repository: Path) -> None:
    rooms = {
        path.relative_to(repository / "gbm").parts[0]
        for path in _modules(repository / "gbm")
        if any(name.split(".")[0] == "torch" for name in _imported(path))
    }
    assert rooms == {"network_fit"}


def test_reading_the_snakefile_imports_nothing_heavy(repository: Path, tmp_path: Path) -> None:
    """A module set to None in `sys.modules` cannot be imported."""
    code = (
        "import sys\n"
        f"for name in {HEAVY!r}: sys.modules[name] = None\n"
        "from snakemake.cli import main\n"
        f"main(['-n', '-q', '--cores', '1', '--directory', {str(tmp_path)!r},"
        f" '-s', {str(repository / 'Snakefile')!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_settings_are_light_to_import(repository: Path) -> None:
    """What the Snakefile reads: no numerics, no imaging."""
    modules = "gbm, gbm.config.patient, gbm.config.patient_list, gbm.config.fit_names"
    code = f"import sys; import {modules}, bilo.training.code_hash\n"
    code += f"print([name for name in {(*HEAVY, 'numpy', 'pandas')!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repository
    )
    assert done.stdout.strip() == "[]"
