"""Where the files of all patients of a command lie together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gbm.io.layout import Layout


@dataclass(frozen=True)
class CohortLayout:
    """Files of all patients of a command together; `root` is `results/gbm`."""

    root: Path

    def of(self, patient: str) -> Layout:
        """Files of one of them."""
        return Layout(self.root, patient)

    @property
    def page(self) -> Path:
        """The cohort page."""
        return self.root / "cohort.html"

    @property
    def comparison(self) -> Path:
        """The page of the comparison."""
        return self.root / "comparison.html"

    @property
    def metrics(self) -> Path:
        """Scores, one row a patient."""
        return self.root / "cohort_metrics.tsv"

    @property
    def participants(self) -> Path:
        """Parameters and verdicts, one row a patient."""
        return self.root / "participants.tsv"

    @property
    def columns(self) -> Path:
        """What the columns of `participants` mean."""
        return self.root / "participants.json"

    @property
    def description(self) -> Path:
        """The BIDS description of the dataset."""
        return self.root / "dataset_description.json"

    @property
    def ignore(self) -> Path:
        """What is not BIDS in the folder."""
        return self.root / ".bidsignore"

    @property
    def costs(self) -> Path:
        """What each kind of step took."""
        return self.root / "costs.tsv"

    @property
    def logs(self) -> Path:
        """Folder of all logs."""
        return self.root / "logs"

    @property
    def hashes(self) -> Path:
        """Hashes of the patients' images, remembered."""
        return self.root / "work" / "hashes.json"

    @property
    def given(self) -> Path:
        """The patient files of the last command, and the steps of each."""
        return self.root / "work" / "cohort.json"

    @property
    def notes(self) -> Path:
        """Folder of what results were made from."""
        return self.root / "provenance"

    def note(self, step: str) -> Path:
        """What a step's results were made from, by the name of its log."""
        return self.notes / f"{step}.json"

    @property
    def deliverables(self) -> tuple[Path, ...]:
        """All that a cohort gets, but for its patients and the comparison."""
        tables = (self.metrics, self.participants, self.columns)
        return (*tables, self.description, self.ignore, self.page)
