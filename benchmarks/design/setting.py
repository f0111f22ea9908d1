"""One run of an experiment: what varies, and what the run is called."""

from __future__ import annotations

from dataclasses import dataclass

CLASSICAL = ("direct_fit", "adjoint", "descent", "tikhonov")
"""Methods of the numerical solution alone: without network, recipe or budget."""
METHODS = ("bilo", "pinn", "deeponet", "bpn", *CLASSICAL)
RECIPES = ("fast", "lm", "paper", "varpro")
"""What `bilo` offers, here without importing it."""
PROFILES = ("quick", "full")
DEVICES = ("auto", "cpu", "cuda")
AUTO = "auto"
"""The weight of a regulariser that the method chooses, and the device that is there."""
ALL = "all"
"""The method of an experiment that compares methods in one run."""
UNTRAINED = (ALL, *CLASSICAL)
"""What no recipe says anything to, and no GPU serves."""

OPTIONS = ("w_dat", "samples", "boundary")
"""What only some methods of some experiments take."""


@dataclass(frozen=True)
class Setting:
    """A run.

    Attributes
    ----------
    experiment, method : str
    seed : int
        Of the network and of the noise.
    noise : float
        Standard deviation of the Gaussian noise on the data.
    truth : tuple of (str, float)
        Unknowns behind the data that differ from the experiment's own.
    w_dat : float or None
        Weight of the data in a PINN's loss; None where there is no such weight.
    samples : str or None
        Unknowns that a neural operator is trained on: ``coarse`` or ``dense``, a grid of scalars;
        ``length0.1`` .. ``length0.4``, random functions of this length.
    boundary : str or None
        ``hard`` or ``soft``: whether the transform imposes the boundary values, or losses do.
    w_reg : float, "auto" or None
        Weight of the regulariser of an unknown function; ``auto``: the method chooses it; None
        where there is none.
    recipe : str
        A name in `RECIPES`; it says nothing to those of `UNTRAINED`.
    profile : str
        ``quick`` or ``full``: the budget, where it depends on it.
    device : str
        ``auto`` takes a GPU when there is one.
    """

    experiment: str
    method: str
    seed: int = 0
    noise: float = 0.0
    truth: tuple[tuple[str, float], ...] = ()
    w_dat: float | None = None
    samples: str | None = None
    boundary: str | None = None
    w_reg: float | str | None = None
    recipe: str = "fast"
    profile: str = "quick"
    device: str = AUTO

    @property
    def name(self) -> str:
        """Name of the run's file, unique among the runs of one method.

        >>> Setting("fisher_kpp", "pinn", 3, 1e-2, (("D", 1.7),), w_dat=10.0).name
        'noise0.01_seed3_D1.7_wdat10'
        """
        if self.method == ALL:
            return self.profile
        parts = [f"noise{self.noise:g}", f"seed{self.seed}"]
        parts += [f"{name}{value:g}" for name, value in self.truth]
        parts += [f"wdat{self.w_dat:g}"] if self.w_dat is not None else []
        parts += [part for part in (self.samples, self.boundary) if part is not None]
        parts += [f"wreg{told(self.w_reg)}"] if self.w_reg is not None else []
        # the fast recipe has one budget, and a classical fit has none
        if self.recipe != "fast" and self.method not in UNTRAINED:
            parts.append(f"{self.recipe}-{self.profile}")
        return "_".join(parts)

    @property
    def words(self) -> tuple[str, ...]:
        """Words of the command line that make this run, after ``run``.

        >>> " ".join(Setting("fisher_kpp", "bilo", 1, 1e-2).words)
        'fisher_kpp --method bilo --seed 1 --noise 0.01 --recipe fast --profile quick'
        """
        words = [self.experiment, "--method", self.method, "--seed", str(self.seed)]
        words += ["--noise", f"{self.noise:g}"]
        if self.truth:
            words += ["--truth", ",".join(f"{name}={value:g}" for name, value in self.truth)]
        for flag, value in (("w-dat", self.w_dat), ("w-reg", self.w_reg)):
            words += [f"--{flag}", told(value)] if value is not None else []
        for flag, choice in (("samples", self.samples), ("boundary", self.boundary)):
            words += [f"--{flag}", choice] if choice is not None else []
        words += ["--device", self.device] if self.device != AUTO else []
        words += ["--recipe", self.recipe] if self.method not in UNTRAINED else []
        return (*words, "--profile", self.profile)


def told(weight: float | str) -> str:
    """A weight as on the command line: a number, or ``auto``."""
    return weight if isinstance(weight, str) else f"{weight:g}"
