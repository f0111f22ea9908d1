"""The hash of the code behind a step follows imports, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bilo.training import code_hash


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(code_hash, "ROOT", tmp_path)
    files = {
        "gbm/__init__.py": "",
        "gbm/a.py": "from gbm.b import (\n    x,\n    y,\n)\nimport numpy\n",
        "gbm/b.py": "x = y = 1\n",
        "gbm/c.py": "def f():\n    from gbm import b\n",
        "gbm/d.py": "if TYPE_CHECKING:\n    from gbm import alone\n\nx = 1\n",
        "gbm/alone.py": "",
        "gbm/page/__init__.py": "from gbm.page.parts import z\n",
        "gbm/page/parts.py": "z = 1\n",
        "gbm/page/template.html": "<p>",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    _clear()
    yield tmp_path
    _clear()


def _clear() -> None:
    for function in (code_hash.source_hash, code_hash._imports, code_hash._files):
        function.cache_clear()


@pytest.mark.parametrize(
    ("module", "edited", "changes"),
    [
        ("gbm.a", "gbm/a.py", True),
        ("gbm.a", "gbm/b.py", True),
        ("gbm.c", "gbm/b.py", True),
        ("gbm.a", "gbm/alone.py", False),
        ("gbm.page", "gbm/page/parts.py", True),
        ("gbm.page", "gbm/page/template.html", True),
        ("gbm.a", "gbm/page/template.html", False),
        ("gbm.a", "gbm/__init__.py", False),
        ("gbm.page.parts", "gbm/page/__init__.py", True),
        ("gbm.d", "gbm/alone.py", False),
    ],
)
def test_edits(module: str, edited: str, changes: bool, project: Path) -> None:
    before = code_hash.source_hash(module)
    (project / edited).write_text("# edited\n")
    _clear()
    assert (code_hash.source_hash(module) != before) == changes


def test_an_unknown_module_is_an_error(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gbm\.nothing"):
        code_hash.source_hash("gbm.nothing")
