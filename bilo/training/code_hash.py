"""A hash of the code behind a result, so that a change of the code makes it anew; its commit."""

from __future__ import annotations

import hashlib
import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bilo", "gbm", "benchmarks")

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([\w.]+))",
    re.MULTILINE,
)

_FOR_TYPES = re.compile(r"^if TYPE_CHECKING:\n(?:[ \t]+.*\n|\n)+", re.MULTILINE)


def source_files(*modules: str) -> list[Path]:
    """Files of modules and of all they import from this project, sorted.

    Parameters
    ----------
    *modules : str
        Dotted names, such as ``bilo.methods.bilo``. Nothing is imported; the files are read.
        Files of other kinds beside a package's modules (templates, C sources) belong to the
        package.

    Raises
    ------
    FileNotFoundError
        If there is no such module.
    """
    files: set[Path] = set()
    for module in modules:
        found = _files(module)
        if not found:
            raise FileNotFoundError(f"no module {module!r} in {ROOT}")
        _follow(found, files)
    return sorted(files)


@cache
def source_hash(*modules: str) -> str:
    """First twelve digits of a SHA-256 over `source_files`.

    >>> len(source_hash("bilo.training.code_hash"))
    12
    >>> source_hash("bilo.training.code_hash") == source_hash("gbm.config.errors")
    False
    """
    digest = hashlib.sha256()
    for path in source_files(*modules):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str:
    """The git commit of this checkout, with `, changed` where files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        # An installed package may lie inside a checkout of something else.
        if git("rev-parse", "--show-toplevel") != str(ROOT):
            return "not a checkout"
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (", changed" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"


def _follow(found: list[Path], seen: set[Path]) -> None:
    """Add files and, through their imports, all the files they need."""
    for path in found:
        if path in seen:
            continue
        seen.add(path)
        if path.suffix == ".py":
            for module in _imports(path):
                _follow(_files(module), seen)


@cache
def _imports(path: Path) -> frozenset[str]:
    """Dotted names a file may import from this project; those that are no modules do no harm."""
    names = set()
    text = _FOR_TYPES.sub("", path.read_text(encoding="utf-8"))
    for source, members, plain in _IMPORT.findall(text):
        base = source or plain
        if base.split(".")[0] not in PACKAGES:
            continue
        names.add(base)
        for member in re.findall(r"\w+", members):
            names.add(f"{base}.{member}")
    return frozenset(names)


@cache
def _files(module: str) -> list[Path]:
    """The file of a module, or a package's `__init__` with what is no module beside it.

    The sub-packages around it are imported with it: their `__init__` too. The packages themselves
    are faces, which no module of ours imports from.
    """
    path = ROOT.joinpath(*module.split("."))
    rooms = (folder for folder in path.parents if ROOT in folder.parent.parents)
    above = [file for room in rooms if (file := room / "__init__.py").is_file()]
    if path.with_suffix(".py").is_file():
        return [*above, path.with_suffix(".py")]
    if not (path / "__init__.py").is_file():
        return []
    beside = [
        file
        for file in path.rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc", ".so")
    ]
    return [*above, path / "__init__.py", *beside]
