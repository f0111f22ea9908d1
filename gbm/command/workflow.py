"""The workflow as a program: where it lies, and the words that run it for some patients."""

from __future__ import annotations

import glob
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gbm.config.errors import InputError
from gbm.config.writable import require_writable
from gbm.demo.names import DEMO_NAMES

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Command:
    """One command over patients.

    Attributes
    ----------
    patients : sequence of str
        Their files, or globs of them.
    out : Path
        Folder of the results, `output.root`.
    settings : mapping
        Sections of settings that are not those of `config.yaml`.
    cores : str
        A number, or `all`.
    dry_run : bool
        Whether the jobs are planned only.
    """

    patients: Sequence[str]
    out: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    cores: str = "all"
    dry_run: bool = False

    @property
    def root(self) -> Path:
        """Folder of the derivatives."""
        return self.out / "gbm"

    def words(self) -> list[str]:
        """The command line.

        Raises
        ------
        InputError
            Where a patient file is not there, or the working directory cannot be written to.
        """
        output = {"root": str(self.out)}
        config = {**self.settings, "patients": patterns(self.patients), "output": output}
        if not self.dry_run:
            # Snakemake keeps what it knows of results in `.snakemake`, where it is started
            require_writable(Path.cwd() / ".snakemake", "working directory")
        return [
            # nothing in the working directory takes the place of a module
            *(sys.executable, "-P", "-m", "snakemake"),
            *("--snakefile", str(snakefile()), "--cores", self.cores),
            # not by the times of scripts, which are those of an installation: params tell of code
            *("--rerun-triggers", "mtime", "input", "params"),
            *(["--dry-run"] if self.dry_run else []),
            *("--config", *(f"{key}={json.dumps(value)}" for key, value in config.items())),
        ]


def snakefile() -> Path:
    """The Snakefile: inside the installed package, or beside the package in a clone."""
    installed, cloned = PACKAGE / "pipeline" / "Snakefile", PACKAGE.parent / "Snakefile"
    return installed if installed.is_file() else cloned


def demo_patient(dimensions: int) -> str:
    """The file of a built-in patient."""
    return glob.escape(f"{snakefile().parent}/workflow/patients/{DEMO_NAMES[dimensions]}.yaml")


def patterns(patients: Iterable[str]) -> list[str]:
    """Patient files as globs: a file means itself, whatever characters its name has.

    Raises
    ------
    InputError
        Where there is neither a file of that name nor one that it matches.
    """
    found = []
    for patient in patients:
        path = os.path.expanduser(patient)
        if os.path.isdir(path):
            raise InputError("is a folder; name the patient files in it", file=Path(path))
        if os.path.isfile(path):
            found.append(glob.escape(path))
        elif glob.glob(path, recursive=True):
            found.append(path)
        else:
            raise InputError("there is no such file", file=Path(path))
    return found
