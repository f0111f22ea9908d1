"""After a kill: the next command finds no lock and no half-made job in its way.

A command holds `.snakemake/alive` (shared, by flock) until its end, and the system lets go of it
whatever ends the command. Who gets it for himself alone knows that no other command lives in this
folder: locks that are still there, and outputs of jobs that had begun, belong to one that was
killed. Snakemake would ask for `--unlock` and `--rerun-incomplete`.
"""

import base64
import contextlib
import fcntl
import shutil


def begun(state):
    """Outputs of jobs that had begun and did not end, by Snakemake's marks."""
    folder = state / "incomplete"
    for mark in folder.glob("**/*"):
        if mark.is_file():
            parts = [part.removeprefix("@") for part in mark.relative_to(folder).parts]
            try:
                yield Path(base64.urlsafe_b64decode("".join(parts)).decode())
            except ValueError:
                continue  # a file of another kind, such as that of a migration


def clear(state):
    """Remove what a killed command left: its locks, and results of jobs that had begun."""
    for lock in (state / "locks").glob("*.lock"):
        lock.unlink(missing_ok=True)
    for output in begun(state):
        ours = output.is_relative_to(ROOT) or str(output) in DEMO_MADE
        if ours and output.exists():
            shutil.rmtree(output) if output.is_dir() else output.unlink()


def hold(state):
    """Take the lock of a living command, after clearing up if there is no other; return its file."""
    state.mkdir(exist_ok=True)
    alive = open(state / "alive", "w")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        alone = False  # another command lives, or this file system knows no locks
    else:
        alone = True
    if alone:
        with contextlib.suppress(InputError):
            with (
                hold_results(LOCK, "output.root")
                if LOCK.is_file()
                else contextlib.nullcontext()
            ):
                clear(state)
    with contextlib.suppress(OSError):
        fcntl.flock(alive, fcntl.LOCK_SH)
    return alive


# Jobs that run as processes of their own read the Snakefile, too.
if workflow.is_main_process:
    ALIVE = hold(Path(".snakemake"))
