"""The documentation site: built without a warning, read and searched without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser import chromium

LOADED = re.compile(
    r'<(?:script|img|iframe|source)[^>]+\bsrc="(?:https?:)?//|<link[^>]+href="https?:'
)
TYPED = """
    const query = document.querySelector('[data-md-component=search-query]')
    query.focus()
    query.value = 'transmissivity'
    query.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true}))
"""
FOUND = "document.querySelector('.md-search-result__item a')?.getAttribute('href')"


@pytest.fixture(scope="module")
def site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly."""
    pytest.importorskip("mkdocs", reason="the extra 'docs' is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(repository), "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_loads_anything_from_a_network(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    assert [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert re.findall(r"url\(['\"]?https?:[^)]*", sheets) == []


def test_a_folder_is_read_and_searched_in_a_browser(site: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as page:
        page.open(site / "tutorials/equation.html")
        page.evaluate(TYPED)
        page.wait_for(f"Boolean({FOUND})")
        assert "tutorials/function.html" in page.evaluate(FOUND)
        asked = [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))]
        assert asked == []
        assert page.complaints == []


def test_public_names_have_a_signature_and_their_source(site: Path) -> None:
    page = (site / "api/bilo.html").read_text(encoding="utf-8")
    assert 'id="bilo.fit"' in page
    assert "Source code in" in page
