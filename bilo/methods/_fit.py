"""One call for every method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.methods._preflight import require_sense
from bilo.methods.adjoint import Adjoint
from bilo.methods.bilo import BiLO
from bilo.methods.bpn import BPN
from bilo.methods.deeponet import DeepONet
from bilo.methods.descent import Descent
from bilo.methods.direct_fit import DirectFit
from bilo.methods.pinn import PINN
from bilo.methods.tikhonov import Tikhonov
from bilo.training.session import Callback, Session
from bilo.training.solution import Solution


class Method(Protocol):
    """A way to infer the unknowns of a problem."""

    @property
    def name(self) -> str:
        """On the command line and in results."""

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer them."""


METHODS = {m.name: m for m in (BiLO, PINN, BPN, DeepONet, DirectFit, Adjoint, Descent, Tikhonov)}
"""By name, in the order of the documentation."""


class Told(TypedDict, total=False):
    """What `fit` takes beside: torch's threads, the name of a progress bar, a callback."""

    threads: int
    progress: str | None
    callback: Callback | None


def fit(
    problem: Problem,
    data: Objective,
    method: Method | str = "bilo",
    *,
    seed: int = 0,
    device: str = "auto",
    checkpoint: Path | str | None = None,
    **told: Unpack[Told],
) -> Solution:
    """Infer the unknowns of a problem from data.

    Parameters
    ----------
    problem : Problem
    data : Objective
        What the data say, such as `LeastSquares`.
    method : Method or str
        Such as ``BiLO(recipe="lm")``; a name, ``"bilo"``, means the method's defaults.
    seed : int
        Of the network and of random points.
    device : str
        ``auto`` takes CUDA when it is there.
    checkpoint : Path, optional
        File ``*.safetensors`` to resume from, and to write to; refused if it holds another fit.
    threads : int
        Of torch, for the time of the fit; 1 unless said otherwise.
    progress : str, optional
        What a progress bar calls the fit; None: silent.
    callback : callable, optional
        (Progress) -> numbers for the history, or None; called at every record of the history.

    Returns
    -------
    Solution
        Ctrl-C ends the training, and gives the state so far.

    Raises
    ------
    TypeError, ValueError
        If method, problem and data do not fit together; in words, before any training.
    OtherFit
        If the checkpoint holds another fit.
    """
    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(f"no method {method!r}; there are {', '.join(METHODS)}")
        method = METHODS[method]()
    file = None if checkpoint is None else Path(checkpoint)
    session = Session(seed, device, checkpoint=file, interruptible=True, **told)
    return fit_in(session, problem, data, method)


def fit_in(session: Session, problem: Problem, data: Objective, method: Method) -> Solution:
    """`fit` in a session of one's own, which Ctrl-C may go through.

    Raises
    ------
    TypeError, ValueError
        As `fit`.
    """
    require_sense(problem, data, method)
    with session.running():
        found = method.fit(problem, data, session)
    return found if found.problem is not None else replace(found, problem=problem)
