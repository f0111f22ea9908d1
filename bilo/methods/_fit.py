"""One call for every method."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.methods._preflight import require_sense
from bilo.training.session import Callback, Session
from bilo.training.solution import Solution


class Method(Protocol):
    """A way to infer the unknowns of a problem."""

    @property
    def name(self) -> str:
        """On the command line and in results."""

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer them."""


METHODS = {
    "bilo": "BiLO",
    "pinn": "PINN",
    "bpn": "BPN",
    "deeponet": "DeepONet",
    "direct_fit": "DirectFit",
    "adjoint": "Adjoint",
    "descent": "Descent",
    "tikhonov": "Tikhonov",
}
"""Classes by the names of methods and of their modules, in the order of the documentation."""


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
    chosen: Method = of_name(method)() if isinstance(method, str) else method
    file = None if checkpoint is None else Path(checkpoint)
    session = Session(seed, device, checkpoint=file, interruptible=True, **told)
    return fit_in(session, problem, data, chosen)


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


def of_name(name: str) -> Any:
    """The class of a method, imported only now: no fit depends on the others' code.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    if name not in METHODS:
        raise ValueError(f"no method {name!r}; there are {', '.join(METHODS)}")
    return getattr(import_module(f"bilo.methods.{name}"), METHODS[name])
