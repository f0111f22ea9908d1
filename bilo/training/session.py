"""How a fit is run, whatever the method: seed, device, checkpoint, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Progress:
    """Where a fit stands, at a step that its history records.

    Attributes
    ----------
    step, total : int
        Steps of the lower level done, and of the whole budget.
    pretraining : bool
    unknowns : mapping
        Present values and functions by name.
    record : mapping
        Losses, objective and values of the scalars.
    """

    step: int
    total: int
    pretraining: bool
    unknowns: Mapping[str, Any]
    record: Mapping[str, float]


Callback = Callable[[Progress], Mapping[str, float] | None]
"""What it returns stands in the history too; training never sees it."""


@dataclass(frozen=True)
class Session:
    """How a fit is run; but for the seed nothing here changes what it finds.

    Attributes
    ----------
    seed : int
        Of network, points and nothing else.
    device : str
        ``auto`` takes CUDA when it is there.
    threads : int
    checkpoint : Path or None
        File to resume from and to write to; None: no checkpoints.
    checkpoint_seconds : float
    progress : str or None
        What a progress bar calls the fit; None: silent.
    callback : callable or None
    interruptible : bool
        Whether Ctrl-C ends the training and gives the state so far; else it goes through.
    """

    seed: int = 0
    device: str = "auto"
    threads: int = 1
    checkpoint: Path | None = None
    checkpoint_seconds: float = 20.0
    progress: str | None = None
    callback: Callback | None = None
    interruptible: bool = False

    def __post_init__(self) -> None:
        """Refuse a device that is not there, and to write over what may be somebody's data.

        Raises
        ------
        ValueError
        """
        file = self.checkpoint
        if file is not None and (file.suffix != ".safetensors" or file.is_dir()):
            raise ValueError(f"checkpoint: {file} is written over: name a file *.safetensors")
        if self.device == "auto":
            return
        try:
            torch.empty(0, device=self.device)
        except (AssertionError, RuntimeError) as error:  # a torch without CUDA asserts
            why = str(error).splitlines()[0]
            text = f"device {self.device!r} cannot be used ({why}): 'auto' takes CUDA where it is"
            raise ValueError(text) from error

    def torch_device(self) -> torch.device:
        """The device to train on."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Torch with the session's threads; afterwards with as many as before."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
