"""Run one step of the pipeline: a log of its own, and faults of the input in the user's words."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gbm.config.errors import InputError
from gbm.io.memory import in_words

MARK = "error: "
"""Begins the line of a log that says why a step failed."""


@contextmanager
def step(log: Path | str) -> Iterator[None]:
    """Send everything that is printed to ``log``; end the process with status 1 on a failure.

    An `InputError` is told in its own one or two lines, on the terminal and, without folders, in
    the log, which pages quote. Any other
    exception leaves its traceback in the log and one line on the terminal. An interruption from
    the keyboard is no failure of the step: the log says so, without the mark of an error.

    Parameters
    ----------
    log : path
        The log file, overwritten.

    Raises
    ------
    SystemExit
        With status 1 when the step failed, 130 when it was interrupted.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in order with what other programs write
    terminal = [os.dup(1), os.dup(2)]
    failure: str | None = None
    logged: str | None = None
    interrupted = False
    with path.open("w", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        logging.captureWarnings(True)
        try:
            yield
        except InputError as error:
            failure, logged = str(error), error.brief
        except KeyboardInterrupt:
            interrupted = True
            with suppress(OSError):
                os.write(2, b"interrupted\n")
        except Exception as error:
            # The log may be on the disk that is full; what a buffer could not write there would
            # come out on the terminal later: nothing is left in one.
            with suppress(OSError):
                sys.stderr.flush()
                os.write(2, traceback.format_exc().encode())
            failure = in_words(error)
            folder = os.path.dirname(str(getattr(error, "filename", None) or ""))
            logged = failure.replace(f"{folder}/", "") if folder else failure
        finally:
            with suppress(OSError):
                sys.stdout.flush()
            with suppress(OSError):
                sys.stderr.flush()
            logging.captureWarnings(False)
            if logged is not None:
                with suppress(OSError):
                    os.write(2, f"{MARK}{logged}\n".encode())
            for number, original in enumerate(terminal, start=1):
                os.dup2(original, number)
                os.close(original)
    if failure is not None:
        print(f"{MARK}{failure}", file=sys.stderr, flush=True)
        raise SystemExit(1)
    if interrupted:
        raise SystemExit(128 + signal.SIGINT)


def error_in(log: Path) -> str | None:
    """Return why a step failed, as its log says; None where it names no error, or is missing."""
    if not log.is_file():
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    marked = [n for n, line in enumerate(lines) if line.startswith(MARK)]
    return " ".join(lines[marked[-1] :]).removeprefix(MARK) if marked else None
