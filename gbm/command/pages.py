"""`gbm report`: the pages of a folder of results, made again from what lies there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gbm.config.errors import InputError
from gbm.io.cohort_layout import CohortLayout
from gbm.io.files import read_json
from gbm.io.job import Job
from gbm.io.lock import hold
from gbm.io.made_from import rewritten
from gbm.io.memory import in_words
from gbm.steps import cohort, comparison_page, report


@dataclass
class Remade:
    """Pages that were made again, and why others were not.

    Attributes
    ----------
    pages : list of Path
    errors : list of InputError
        One for each patient whose page is as it was, most often because images are gone.
    """

    pages: list[Path] = field(default_factory=list)
    errors: list[InputError] = field(default_factory=list)


def remake(folder: Path) -> Remade:
    """Make the pages of the patients, the cohort and, where there is one, the comparison again.

    Parameters
    ----------
    folder : Path
        Of results, as `output.root` named it, or `gbm` in it.

    Raises
    ------
    InputError
        Where no command has left results there, or one is writing them.
    """
    own = folder / "gbm"
    files = CohortLayout(own if own.is_dir() else folder)
    if not files.given.is_file():
        raise InputError("holds no results of a command that came to its end", file=folder)
    with hold(files.root / ".lock", "DIR"):
        return _remade(files)


def _remade(files: CohortLayout) -> Remade:
    given = read_json(files.given)
    patients = {key: Path(told["file"]) for key, told in given.items()}
    made = Remade()
    for key, file in patients.items():
        own = files.of(key)
        if not own.params.is_file():
            continue  # the cohort's page says why
        try:
            report.run(Job.of(str(file), {}, own))
            rewritten(own.note("report"), [own.page, own.figures])
            made.pages.append(own.page)
        except InputError as error:
            made.errors.append(error)
        except Exception as error:  # whatever became of the files since: the others go on
            made.errors.append(InputError(in_words(error), file=file))
    cohort.run(files, patients, {key: told["steps"] for key, told in given.items()})
    rewritten(files.note("cohort"), [*files.deliverables, files.given])
    made.pages.append(files.page)
    if files.comparison.is_file():
        comparison_page.run(files, patients)
        rewritten(files.note("comparison_page"), [files.comparison])
        made.pages.append(files.comparison)
    return made
