"""The faces `bilo` and `gbm`: names for users, found when they are asked for."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bilo
import gbm

PACKAGES = ("bilo", "gbm", "benchmarks")
FACES = pytest.mark.parametrize("face", [bilo, gbm], ids=lambda face: face.__name__)


def _public(face: ModuleType) -> list[str]:
    return [name for name in face.__all__ if not name.startswith("__")]


@FACES
def test_every_name_is_callable_and_comes_from_its_home(face: ModuleType) -> None:
    for name in _public(face):
        found = getattr(face, name)
        assert inspect.isfunction(found) or inspect.isclass(found), name
        assert (found.__name__, found.__module__) == (name, face._HOMES[name])


@FACES
def test_a_face_lists_its_names(face: ModuleType) -> None:
    assert list(face._HOMES) == _public(face)
    assert set(face.__all__) <= set(dir(face))
    with pytest.raises(AttributeError, match=f"module '{face.__name__}' has no attribute 'none'"):
        _ = face.none


@FACES
def test_type_checkers_see_the_same_names(face: ModuleType) -> None:
    (seen,) = [
        node
        for node in ast.parse(Path(str(face.__file__)).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [node for node in seen.body if isinstance(node, ast.ImportFrom)]
    found = {alias.name: node.module for node in imports for alias in node.names}
    assert found == face._HOMES


@FACES
def test_no_module_of_a_package_has_the_name_of_a_public_one(face: ModuleType) -> None:
    """Once imported it would hide the function."""
    root = Path(str(face.__file__)).parent
    modules = {path.stem for path in root.iterdir()}
    assert modules.isdisjoint(face.__all__)


def test_public_names_are_no_modules_whatever_was_imported(repository: Path) -> None:
    modules = [
        ".".join(path.relative_to(repository).with_suffix("").parts).removesuffix(".__init__")
        for package in PACKAGES
        for path in sorted((repository / package).rglob("*.py"))
    ]
    code = (
        "import importlib, inspect\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "import bilo, gbm\n"
        "for face in (bilo, gbm):\n"
        "    for name in face._HOMES:\n"
        "        found = getattr(face, name)\n"
        "        assert inspect.isclass(found) or inspect.isfunction(found), (name, found)\n"
        "from gbm import direct_fit\n"
        "assert inspect.isfunction(direct_fit), direct_fit\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_of_ours_imports_from_a_face(repository: Path, package: str) -> None:
    """The hash of the code behind a step cannot see through it, and results would go stale."""
    wrong = [
        f"{path.relative_to(repository)}: {ast.unparse(node)}"
        for path in sorted((repository / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _is_from_a_face(node)
    ]
    assert not wrong, "\n".join(wrong)


def _is_from_a_face(node: ast.AST) -> bool:
    faces = {face.__name__: face for face in (bilo, gbm)}
    if isinstance(node, ast.Import):
        return any(alias.name in faces for alias in node.names)
    if not isinstance(node, ast.ImportFrom) or node.module not in faces:
        return False
    names = {"*", *faces[node.module].__all__}
    return any(alias.name in names for alias in node.names)
