"""The loop of every network method: two phases, schedule, checkpoints, recovery, progress."""

from __future__ import annotations

import copy
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from tqdm import tqdm

from bilo.inverse.points import Points
from bilo.networks.network import Network, OperatorNetwork
from bilo.training import checkpoint
from bilo.training.settings import Settings

SNAPSHOT_STEPS = 100
MAX_RECOVERIES = 3
LOG_SECONDS = 15.0
REST = 0.02
"""Largest range of an unknown that rests, relative, or absolute for one below 1."""

Record = Mapping[str, float]


@dataclass
class Run:
    """Everything that changes while a network is trained.

    Attributes
    ----------
    network : Network
    codes : Tensor (m,)
        Unknowns in optimiser coordinates.
    auxiliary : Tensor (q,)
        The objective's own parameters.
    optimisers : dict of Optimizer
        Those of first-order levels: ``lower``, ``upper``.
    generator : torch.Generator
        Draws the points.
    step : int
        Lower-level steps done.
    seconds : float
        Wall time of training, over interruptions too.
    slower : float
        Factor of the rate; halved at every recovery.
    """

    network: Network
    codes: Tensor
    auxiliary: Tensor
    optimisers: dict[str, Optimizer]
    generator: torch.Generator
    step: int = 0
    seconds: float = 0.0
    slower: float = 1.0
    recoveries: int = 0
    history: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    """The latest numbers of the upper level."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What a method wants to remember between steps: plain values and tensors."""

    @property
    def operator(self) -> OperatorNetwork:
        """The network, where a method needs a local operator's."""
        assert isinstance(self.network, OperatorNetwork)
        return self.network

    def trace(self) -> None:
        """Remember where the unknowns have been."""
        here = self.network.problem.probe(self.codes).clone()[None]
        seen = self.memory.get("trace")
        self.memory["trace"] = here if seen is None else torch.cat([seen, here])

    def rested(self) -> bool:
        """Whether the unknowns came to rest: at most `REST` in the last tenth of their trace."""
        trace = self.memory.get("trace")
        if trace is None:
            return True
        tail = trace[-max(len(trace) // 10, 2) :]
        moved = tail.max(0).values - tail.min(0).values
        return bool((moved <= REST * tail[-1].abs().clamp(min=1.0)).all())

    @property
    def done(self) -> bool:
        """Whether the upper level has seen enough before the end of the budget."""
        return bool(self.memory.get("done"))

    def finite(self) -> bool:
        """Whether weights, unknowns and the objective's own parameters are all numbers."""
        values = [self.codes, self.auxiliary, *self.network.parameters()]
        return all(bool(torch.isfinite(v).all()) for v in values)

    def state(self) -> checkpoint.State:
        """A tree that `restore` understands."""
        return {
            "network": dict(self.network.state_dict()),
            "codes": self.codes.detach(),
            "auxiliary": self.auxiliary.detach(),
            "optimisers": {k: o.state_dict() for k, o in self.optimisers.items()},
            "generator": self.generator.get_state(),
            "numbers": [self.step, self.seconds, self.slower, self.recoveries],
            "history": self.history,
            "last": self.last,
            "memory": self.memory,
        }

    def restore(self, state: checkpoint.State) -> None:
        """Continue from a state."""
        self.network.load_state_dict(state["network"])
        with torch.no_grad():
            self.codes.copy_(state["codes"])
            self.auxiliary.copy_(state["auxiliary"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.generator.set_state(state["generator"])
        self.step, self.seconds, self.slower, self.recoveries = state["numbers"]
        self.history = {k: list(v) for k, v in state["history"].items()}
        self.last, self.memory = dict(state["last"]), dict(state["memory"])


Lower = Callable[[Run, Points, bool], tuple[bool, Record]]
"""(run, points, pretraining) -> whether all its numbers were sound, and some of them; changes the
weights if they were."""
Upper = Callable[[Run, float], Record]
"""(run, progress of the fine-tuning) -> numbers; changes the unknowns."""


def train(
    run: Run, settings: Settings, draw: Callable[[], Points], lower: Lower, upper: Upper
) -> str:
    """Train until done or to the end of the budget, from a checkpoint where there is one.

    Returns
    -------
    str
        ``finished``, or ``diverged`` after a loss that stayed non-finite.
    """
    total = settings.pretrain_steps + settings.finetune_steps
    fingerprint = _fingerprint(run, settings)
    stored = _stored(settings, fingerprint)
    if stored is not None:
        run.restore(stored["run"])
    good = copy.deepcopy(run.state() if stored is None else stored["good"])
    began, saved, offset = time.perf_counter(), time.perf_counter(), run.seconds
    status = "finished"
    bar = _bar(settings, total, run.step)

    def save() -> None:
        """With the state that bad numbers go back to: a resumed run must go back as far."""
        if settings.checkpoint is not None:
            state = {"fingerprint": fingerprint, "run": run.state(), "good": good}
            checkpoint.save(settings.checkpoint, state)

    while run.step < total and not run.done:
        pretraining = run.step < settings.pretrain_steps
        sound, record = lower(run, draw(), pretraining)
        progress = (run.step - settings.pretrain_steps) / max(settings.finetune_steps, 1)
        if sound and not pretraining:
            run.last = {**run.last, **upper(run, progress)}
        run.step += 1
        now = time.perf_counter()
        run.seconds = offset + now - began
        if not (sound and run.finite()):
            recoveries = run.recoveries
            run.restore(good)
            if recoveries == MAX_RECOVERIES:
                run.recoveries, status = recoveries, "diverged"
                break
            run.recoveries, run.slower = recoveries + 1, 0.5 ** (recoveries + 1)
            continue
        if run.step % settings.history_every == 0 or run.step == total or run.done:
            _remember(run, {**record, **run.last, **_watched(run, settings)})
        if run.step % SNAPSHOT_STEPS == 0:
            good = copy.deepcopy(run.state())
        if now - saved > settings.checkpoint_seconds:
            save()
            saved = now
        bar(run.step, record)
    save()
    return status


def _stored(settings: Settings, fingerprint: str) -> checkpoint.State | None:
    """The checkpoint, if there is one and it is of this fit."""
    found = None if settings.checkpoint is None else checkpoint.load(settings.checkpoint)
    if found is None or found.get("fingerprint") != fingerprint or "good" not in found:
        return None
    return found


def peak_memory_mb(device: torch.device) -> float:
    """Peak memory: of the process on a CPU, of the allocator on a GPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _remember(run: Run, record: Record) -> None:
    row = {"step": float(run.step), **record}
    length = len(run.history.get("step", []))
    for name in {**run.history, **row}:
        column = run.history.setdefault(name, [float("nan")] * length)
        column.append(float(row.get(name, float("nan"))))


def _watched(run: Run, settings: Settings) -> Mapping[str, float]:
    """What `Settings.watch` says of the unknowns."""
    if settings.watch is None:
        return {}
    return settings.watch(run.network.problem.decode(run.codes))


def _fingerprint(run: Run, settings: Settings) -> str:
    """What must agree for a checkpoint to be continued."""
    skipped = {"checkpoint", "checkpoint_seconds", "progress", "watch", "threads", "device"}
    values = {k: str(v) for k, v in vars(settings).items() if k not in skipped}
    shapes = [tuple(p.shape) for p in run.network.parameters()]
    return f"{run.network.problem.name} {sorted(values.items())} {shapes}"


def _bar(settings: Settings, total: int, start: int) -> Callable[[int, Record], None]:
    """A bar on a terminal, sparse lines elsewhere, nothing when not asked for."""
    if settings.progress is None:
        return lambda step, record: None
    if sys.stderr.isatty():
        bar = tqdm(total=total, initial=start, desc=settings.progress, unit="step", leave=False)
        return lambda step, record: bar.update(step - bar.n) and None
    last = [time.perf_counter()]

    def line(step: int, record: Record) -> None:
        if time.perf_counter() - last[0] > LOG_SECONDS or step == total:
            last[0] = time.perf_counter()
            numbers = "  ".join(f"{k} {v:.3g}" for k, v in record.items())
            print(
                f"{settings.progress}: step {step}/{total}  {numbers}", file=sys.stderr, flush=True
            )

    return line
