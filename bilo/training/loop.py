"""The loop of every network method: two phases, schedule, checkpoints, recovery, progress."""

from __future__ import annotations

import copy
import logging
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bilo.inverse.points import Points
from bilo.training import checkpoint
from bilo.training.budget import Budget
from bilo.training.interruption import held
from bilo.training.progress import progress_of
from bilo.training.session import Progress, Session
from bilo.training.state import Record, Run

log = logging.getLogger(__name__)
SNAPSHOT_STEPS = 100
MAX_RECOVERIES = 3


class OtherFit(ValueError):
    """A checkpoint that belongs to another fit."""


Lower = Callable[[Run, Points, bool], tuple[bool, Record]]
"""(run, points, pretraining) -> whether all its numbers were sound, and some of them; changes the
weights if they were."""
Upper = Callable[[Run, float], Record]
"""(run, progress of the fine-tuning) -> numbers; changes the unknowns."""
Pretrained = Callable[[Run], bool]
"""run -> whether fine-tuning may begin; otherwise the run stands at its first step again."""


@dataclass(frozen=True)
class Levels:
    """What one step is made of: residual points, the lower level, the upper level."""

    draw: Callable[[], Points]
    lower: Lower
    upper: Upper
    pretrained: Pretrained = lambda run: True


def train(run: Run, levels: Levels, budget: Budget, session: Session, fingerprint: str) -> str:
    """Train until done or to the end of the budget, from a checkpoint where there is one.

    Parameters
    ----------
    fingerprint : str
        Of everything that the fit depends on: a checkpoint of another one is not continued.

    Returns
    -------
    str
        ``finished``; ``interrupted`` by Ctrl-C, after a whole step, where the session allows it; or
        ``diverged`` after a loss that stayed non-finite.

    Raises
    ------
    OtherFit
        If the checkpoint belongs to another fit.
    """
    stored = _stored(session, fingerprint)
    if stored is not None:
        run.restore(stored["run"])
    _tell_start(run, budget, session, resumed=stored is not None)
    good = copy.deepcopy(run.state() if stored is None else stored["good"])
    began, saved, offset = time.perf_counter(), time.perf_counter(), run.seconds
    status = "finished"
    show = progress_of(session.progress, budget.total, run.step)

    def save() -> None:
        """With the state that bad numbers go back to: a resumed run must go back as far."""
        if session.checkpoint is not None:
            state = {"fingerprint": fingerprint, "run": run.state(), "good": good}
            checkpoint.save(session.checkpoint, state)

    try:
        with held(session.interruptible) as pressed:
            while run.step < budget.total and not run.done:
                if pressed():
                    raise KeyboardInterrupt
                if 0 < run.step == budget.pretrain_steps and not levels.pretrained(run):
                    continue
                sound, record = _step(run, levels, budget)
                now = time.perf_counter()
                run.seconds = offset + now - began
                if not (sound and run.finite()):
                    recoveries, slower = run.recoveries, run.slower
                    run.restore(good)
                    log.warning("a number that is not finite: back to step %d", run.step)
                    if recoveries == MAX_RECOVERIES:
                        run.recoveries, status = recoveries, "diverged"
                        break
                    run.recoveries, run.slower = recoveries + 1, slower / 2
                    continue
                if run.step % budget.history_every == 0 or run.step == budget.total or run.done:
                    row = {**record, **run.last}
                    _remember(run, row)
                    _report(run, row, budget, session)
                if run.step % SNAPSHOT_STEPS == 0:
                    good = copy.deepcopy(run.state())
                if now - saved > session.checkpoint_seconds:
                    save()
                    saved = now
                show(run.step, {**record, **run.last})
    except KeyboardInterrupt:
        if not session.interruptible:
            raise
        status = "interrupted"
    save()
    log.info("%s at step %d after %.3g s: %s", status, run.step, run.seconds, _standing(run))
    return status


def _tell_start(run: Run, budget: Budget, session: Session, *, resumed: bool) -> None:
    name, device = run.network.problem.name, session.torch_device()
    if resumed:
        log.info("%s resumed at step %d of %d: %s", name, run.step, budget.total, _standing(run))
    else:
        log.info("%s: %d steps on %s, seed %d", name, budget.total, device, session.seed)


def _standing(run: Run) -> str:
    """The scalars, in words."""
    numbers = run.network.problem.numbers(run.params.detach())
    return ", ".join(f"{name} = {value:.4g}" for name, value in numbers.items()) or "functions"


def _step(run: Run, levels: Levels, budget: Budget) -> tuple[bool, Record]:
    """One step of the weights and, after pretraining, of the unknowns."""
    pretraining = run.step < budget.pretrain_steps
    sound, record = levels.lower(run, levels.draw(), pretraining)
    if sound and not pretraining:
        run.last = {**run.last, **levels.upper(run, budget.progress(run.step))}
    run.step += 1
    return sound, record


def _stored(session: Session, fingerprint: str) -> checkpoint.State | None:
    """The checkpoint, if there is one; what is none is written over."""
    found = None if session.checkpoint is None else checkpoint.load(session.checkpoint)
    if found is None or "good" not in found:
        return None
    if found.get("fingerprint") != fingerprint:
        raise OtherFit(
            f"{session.checkpoint} holds another fit (other data, unknowns, equation or budget): "
            "give this one a file of its own, or delete that one"
        )
    return found


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory: of the process on a CPU, of the allocator on a GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _remember(run: Run, record: Record) -> None:
    """A new row of the history."""
    for column in run.history.values():
        column.append(float("nan"))
    run.history.setdefault("step", [float("nan")])
    _note(run, {"step": float(run.step), **record})


def _note(run: Run, record: Record) -> None:
    """Numbers in the latest row of the history."""
    length = len(run.history["step"])
    for name, value in record.items():
        run.history.setdefault(name, [float("nan")] * length)[-1] = float(value)


def _report(run: Run, record: Record, budget: Budget, session: Session) -> None:
    """Tell the session's callback, and note what it says.

    The row stands already: Ctrl-C in here must not cost one.
    """
    if session.callback is None:
        return
    unknowns = run.network.problem.from_params(run.params)
    pretraining = run.step <= budget.pretrain_steps
    said = session.callback(Progress(run.step, budget.total, pretraining, unknowns, record))
    _note(run, said or {})
