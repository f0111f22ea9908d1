"""A step tells its failures in the user's words and leaves a log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gbm.io.job_log import error_in

PREFIX = """from pathlib import Path
from gbm.config.errors import InputError
from gbm.io.job_log import step
"""


def _run(log: Path, body: str) -> subprocess.CompletedProcess[str]:
    code = f"{PREFIX}with step({str(log)!r}):\n    {body}\n"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "new" / "a.log"
    done = _run(log, "print('hello'); import os; os.system('echo below')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert log.read_text() == "hello\nbelow\n"
    assert error_in(log) is None


def test_a_fault_of_the_input_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    log = tmp_path / "check.log"
    done = _run(log, "raise InputError('is empty', file=Path('p.yaml'), key='patient.id')")
    assert done.returncode == 1
    assert done.stderr == "error: p.yaml: patient.id: is empty\n"
    assert "Traceback" not in log.read_text()
    assert error_in(log) == "p.yaml: patient.id: is empty"


def test_any_other_exception_leaves_its_traceback_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "fit.log"
    done = _run(log, "1 / 0")
    assert done.returncode == 1
    assert done.stderr == "error: ZeroDivisionError: division by zero\n"
    assert "Traceback" in log.read_text()
    assert error_in(log) == "ZeroDivisionError: division by zero"


def test_an_interruption_is_no_failure(tmp_path: Path) -> None:
    log = tmp_path / "fit.log"
    done = _run(log, "print('step 1'); raise KeyboardInterrupt")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert log.read_text() == "step 1\ninterrupted\n"
    assert error_in(log) is None


def test_a_step_that_never_began_has_no_error(tmp_path: Path) -> None:
    assert error_in(tmp_path / "fit.log") is None


@pytest.mark.parametrize("body", ["print('fine')", "raise SystemExit(0)"])
def test_a_second_run_clears_the_failure(body: str, tmp_path: Path) -> None:
    log = tmp_path / "fit.log"
    _run(log, "1 / 0")
    _run(log, body)
    assert error_in(log) is None
