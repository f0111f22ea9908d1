"""Notes beside results: what differs from them is named, wherever the results are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gbm.io.files import sha256
from gbm.io.made_from import (
    ALTERED,
    EARLIER,
    UNKNOWN,
    changed,
    digests,
    noted,
    rewritten,
    written,
)

PARAMS = {
    "root": "results/gbm",
    "settings": {"bounds": {"rhoT": [1, 40]}, "slice": {"index": None}},
    "patient": {"id": "p1", "segmentation": "a hash"},
    "code": "0123",
}


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """Of a job that wrote a file and a folder."""
    results = tmp_path / "gbm"
    note = results / "provenance/sub-p1/report.json"
    figures = results / "sub-p1/figures"
    figures.mkdir(parents=True)
    with noted(note, PARAMS, [results / "sub-p1.html", str(figures)]):
        (results / "sub-p1.html").write_text("<html></html>")
        (figures / "a.svg").write_text("<svg/>")
    return note


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({}, ()),
        ({"root": "/elsewhere/gbm"}, ()),
        ({"code": "4567"}, ("code",)),
        ({"patient": None}, ("patient",)),
        ({"atlas": "new"}, ("atlas",)),
        ({"settings": PARAMS["settings"] | {"bounds": {"rhoT": [1, 20]}}}, ("bounds",)),
        ({"settings": {}}, ("bounds", "slice")),
    ],
)
def test_what_differs_is_named(other: dict[str, Any], named: tuple[str, ...], note: Path) -> None:
    assert changed(note, digests(PARAMS | other)) == named


def test_an_altered_file_is_seen_and_a_missing_one_is_not(note: Path) -> None:
    root = note.parents[2]
    moved = root.with_name("moved")
    shutil.move(root, moved)
    note = moved / note.relative_to(root)
    (moved / "sub-p1.html").unlink()
    assert changed(note, digests(PARAMS)) == ()
    for text, named in (("", (ALTERED,)), ("<svg >", (ALTERED,)), ("<svg/>", ())):
        (moved / "sub-p1/figures/a.svg").write_text(text)
        assert changed(note, digests(PARAMS)) == named


def test_what_an_earlier_step_wrote_since_is_seen_whatever_the_times_say(tmp_path: Path) -> None:
    """The domain was made again by another command; then all files were touched."""
    root = tmp_path / "gbm"
    domain, fit, image = root / "domain.npz", root / "fit.json", tmp_path / "t1.nii.gz"
    first, second = (root / f"provenance/sub-p1/{step}.json" for step in ("domain", "fit"))
    root.mkdir()
    image.write_text("the patient's own")
    with noted(first, PARAMS, [domain]):
        domain.write_text("slice 0")
    with noted(second, PARAMS, [fit], [domain, image]):
        fit.write_text("{}")
    both = [first, second]
    assert set(written(both)) == {str(domain), str(fit)}
    assert changed(second, digests(PARAMS), known=written(both)) == ()
    with noted(first, PARAMS, [domain]):
        domain.write_text("slice 2")
    for file in (second, domain, fit, first):  # as `snakemake --touch` does
        file.touch()
    assert changed(first, digests(PARAMS), known=written(both)) == ()
    assert changed(second, digests(PARAMS), known=written(both)) == (EARLIER,)
    assert written([root / "provenance/none.json"]) == {}


NAMELESS = '{"made_from": {}, "inputs": {}, "files": {"x": {"bytez": 1, "sha256": "0"}}}'


@pytest.mark.parametrize(
    "text", [None, "", "[]", '{"made_from": 1, "files": {}}', NAMELESS, "[" * 100_000]
)
def test_a_missing_or_damaged_note_tells_nothing(text: str | None, note: Path) -> None:
    note.unlink() if text is None else note.write_text(text)
    assert changed(note, digests(PARAMS)) == (UNKNOWN,)


def test_a_name_that_no_file_can_have_is_no_file(note: Path) -> None:
    note.write_text(note.read_text().replace("a.svg", "a\\u0000.svg"))
    assert changed(note, digests(PARAMS)) == ()


def test_work_that_fails_leaves_no_note(note: Path) -> None:
    with pytest.raises(RuntimeError, match="diverged"), noted(note, PARAMS, []):
        raise RuntimeError("diverged")
    assert not note.exists()


def test_what_was_written_again_is_as_it_was_written(tmp_path: Path) -> None:
    """By hand, from what another step has written since; what it is made from stays as it was."""
    given, page = tmp_path / "gbm/params.json", tmp_path / "gbm/sub-p1.html"
    note, missing = (tmp_path / f"gbm/provenance/{name}.json" for name in ("report", "none"))
    note.parent.mkdir(parents=True)
    given.write_text("old")
    with noted(note, PARAMS, [page], [given]):
        page.write_text("old")
    for file in (given, page):
        file.write_text("renewed")
    known = written([note]) | {str(given): "the hash of something else"}
    assert changed(note, digests(PARAMS), known=known) == (EARLIER, ALTERED)
    rewritten(note, [page])
    known = {str(given): sha256(given)}
    assert changed(note, digests(PARAMS), known=known) == ()
    assert changed(note, digests(PARAMS | {"code": "4567"}), known=known) == ("code",)
    rewritten(missing, [page])
    assert not missing.exists()
