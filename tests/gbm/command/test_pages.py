"""Pages made again: those that can be, and why others cannot. A whole one: test_distributions."""

from __future__ import annotations

from pathlib import Path

import pytest

from gbm.__main__ import main
from gbm.command.pages import remake
from gbm.config.errors import InputError
from gbm.io.cohort_layout import CohortLayout
from gbm.io.lock import hold
from gbm.steps import cohort


@pytest.fixture
def files(tmp_path: Path) -> CohortLayout:
    """Results of a command whose two patients have got nowhere yet."""
    made = CohortLayout(tmp_path / "results/gbm")
    patients = {key: tmp_path / f"{key}.yaml" for key in ("p01", "p02")}
    cohort.run(made, patients, {"p01": ["check", "report"], "p02": ["check"]})
    return made


@pytest.mark.parametrize("named", ["results", "results/gbm"])
def test_the_cohort_page_is_that_of_the_last_command(
    named: str, files: CohortLayout, tmp_path: Path
) -> None:
    before = {file: file.read_text() for file in files.deliverables if file != files.page}
    files.page.unlink()
    files.participants.write_text("")
    made = remake(tmp_path / named)
    assert (made.pages, made.errors) == ([files.page], [])
    assert {file: file.read_text() for file in before} == before
    page = files.page.read_text()
    assert "p01" in page
    assert "p02" in page


def test_a_page_that_cannot_be_made_stays_and_the_others_are_made(
    files: CohortLayout, capsys: pytest.CaptureFixture[str]
) -> None:
    own = files.of("p02")
    own.params.parent.mkdir(parents=True)
    own.params.write_text("{}")
    own.page.write_text("as it was")
    assert main(["report", str(files.root)]) == 1
    said = capsys.readouterr()
    assert said.out == f"{files.page}\n"
    assert said.err.startswith("error: ")
    assert own.params.name in said.err
    assert own.page.read_text() == "as it was"


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no results of a command") as caught:
            remake(folder)
        assert caught.value.file == folder


def test_pages_wait_for_a_command_that_writes_there(files: CohortLayout) -> None:
    with (
        hold(files.root / ".lock", "output.root"),
        pytest.raises(InputError, match="another command is writing there"),
    ):
        remake(files.root)
