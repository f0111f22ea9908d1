"""DeepONet: learn the solution operator from many numerical solutions, freeze it, invert it.

    offline   W*     = argmin_W  mean_i mean_x (u(x, theta_i; W) - u_num(x; theta_i))^2
    online    theta* = argmin_theta  L_dat(theta, W*)

The theta_i are a grid over the sampled range of the unknowns. The equation itself is never used:
outside that range, and between its points, the operator knows what it has seen.

Reference: Lu, Jin, Pang, Zhang, Karniadakis 2021, Nature Machine Intelligence 3, 218-229.
"""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import torch
from torch import Tensor, nn

from bilo.assessment import assess
from bilo.descent import descending
from bilo.frame import Frame
from bilo.jets import Jet, stack
from bilo.network import Network
from bilo.objective import Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.recipes import RECIPES, RecipeError, adam_of
from bilo.settings import Settings
from bilo.solution import Solution
from bilo.streamed_mlp import StreamedMLP
from bilo.streams import VALUE
from bilo.training import Record, Run, train
from bilo.upper import tangent_model, upper_step

FEATURES = 48
"""Products of branch and trunk, p."""
GRIDS = {"coarse": 12, "dense": 45}
"""Training solutions along each unknown."""
BATCH = 64
"""Training solutions looked at in a step."""


class DeepONet(Network):
    """u(x, theta) = transform(sum_k b_k(theta) t_k(x)), k = 1 .. p.

    Branch b and trunk t are tanh MLPs with p linear outputs. The branch sees every unknown with its
    sampled range mapped to (-1, 1).

    Parameters
    ----------
    problem : Problem
    width, layers : int
        Width and number of tanh layers, of branch and trunk each.
    seed : int
        Of the weights.
    """

    def __init__(self, problem: Problem, width: int, layers: int, seed: int) -> None:
        super().__init__()
        self.problem = problem
        generator = torch.Generator().manual_seed(seed)
        hidden = [width] * layers
        self.branch = _mlp([len(problem.unknowns), *hidden, FEATURES], generator)
        self.trunk = _mlp([problem.feature_count(), *hidden, FEATURES], generator)

    def forward(self, at: Frame) -> Jet:
        """The product rule by hand: b has no derivatives in x, t none by theta of its own."""
        t, b = self._trunk(at), self._branch(at.inputs)
        by_x = (b[:1] * t).sum(-1)
        by_theta = torch.cat([torch.zeros_like(by_x[:1]), (b[1:] * t[:1]).sum(-1)])
        return Jet(by_x, at.streams) + Jet(by_theta, at.streams)

    def fields(self, points: Points, codes: Tensor) -> Tensor:
        """Represented fields (B, N) at points for unknowns (B, m).

        The branch is evaluated B times and the trunk N times, not both B N times.
        """
        pairs = Frame(
            self.problem,
            points.part(torch.arange(len(points), device=codes.device).repeat(len(codes))),
            codes.t().repeat_interleave(len(points), 1),
            tangents=False,
            derivatives=False,
        )
        here = Frame(self.problem, points, codes[0], tangents=False, derivatives=False)
        t = self._trunk(here)[0, 0]
        b = self._branch([Jet.known(c) for c in codes.t()])[0, 0]
        N = Jet.known(b @ t.t())
        return self.problem.transform(N, pairs).value.view(len(codes), len(points))

    @property
    def like(self) -> Tensor:
        """A tensor with the network's type and device."""
        return next(self.parameters())

    def _trunk(self, at: Frame) -> Tensor:
        """Jets t (1 + m', P, N, p), their tangents those of the streams alone."""
        x = stack(self.problem.features(at))
        return StreamedMLP(x, _weights(self.trunk), at.streams).along()

    def _branch(self, codes: list[Jet]) -> Tensor:
        """Value and tangents b (1 + m, 1, N or 1, p)."""
        scaled = []
        for code, unknown in zip(codes, self.problem.scalars, strict=True):
            low, high = unknown.sampled_codes
            scaled.append((code.d("1") - (low + high) / 2) * (2 / (high - low)))
        return StreamedMLP(stack(scaled), _weights(self.branch), VALUE).along()


def fit(problem: Problem, data: Objective, settings: Settings) -> Solution:
    """Infer the unknowns of a problem with an operator learned from its solver.

    Pretraining learns the operator with the recipe's lower optimiser, its schedule over these steps
    alone; fine-tuning descends the unknowns alone, from the start, by the recipe's upper level.

    Parameters
    ----------
    problem : Problem
        With a numerical solution.
    data : Objective
    settings : Settings
        `samples` names the grid of training solutions; `points` of the residual grid are drawn in
        every step. The time of generation counts.

    Raises
    ------
    ValueError
        If the problem has no numerical solution, no step is left to learn from it, or the recipe
        has no first-order lower level.
    """
    if not settings.pretrain_steps:
        raise ValueError("a DeepONet learns its operator in the pretraining: it needs some steps")
    recipe = RECIPES[settings.recipe]
    if recipe.lower is None:
        raise RecipeError(f"a DeepONet descends: it has no recipe {settings.recipe}")
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    network = DeepONet(problem, settings.width, settings.layers - 1, settings.seed)
    network = network.to(device, settings.dtype)
    like = network.like

    began = time.perf_counter()
    everywhere = problem.collocation(None, torch.Generator())
    sampled = sample_grid(problem, GRIDS[settings.samples])
    exact = problem.solutions([problem.decode(c) for c in sampled], everywhere).to(like)
    generation_seconds = time.perf_counter() - began
    everywhere, sampled = everywhere.to(like), sampled.to(like)

    codes, auxiliary = problem.encode(problem.start()), data.start.clone()
    optimisers = {"lower": recipe.lower.over(network.parameters())}
    if recipe.upper == "adam":
        upper_rate = settings.upper_rate or recipe.upper_rate
        optimisers["upper"] = adam_of([codes, auxiliary], upper_rate)
    generator = torch.Generator().manual_seed(settings.seed + 1)
    run = Run(network, codes, auxiliary, optimisers, generator, seconds=generation_seconds)
    predict = tangent_model(network, data.points)
    offline = settings.pretrain_steps / (settings.pretrain_steps + settings.finetune_steps)

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        if not pretraining:
            return like.new_zeros(()), {}
        rows = _some(len(sampled), BATCH, run.generator).to(device)
        columns = _some(len(points), settings.points, run.generator).to(device)
        u = network.fields(points.part(columns), sampled[rows])
        misfit = ((u - exact[rows[:, None], columns]) ** 2).mean()
        return misfit, {"operator": misfit.item()}

    def upper(run: Run, progress: float) -> Record:
        if run.step % data.every:
            return {}
        return upper_step(run, problem, data, *predict(run), progress)

    schedule = recipe.lower.schedule
    falling = replace(recipe.lower, schedule=lambda done: schedule(min(done / offline, 1.0)))
    lower = descending(falling, settings, loss)
    status = train(run, settings, lambda: everywhere, lower, upper)
    u, J = predict(run)
    found = assess("deeponet", problem, data, settings, run, status, u, J, stationary=run.rested())
    return replace(
        found,
        warnings=found.warnings + _extrapolated(problem, run.codes),
        assessment={
            **found.assessment,
            "training_solutions": len(sampled),
            "generation_seconds": generation_seconds,
        },
    )


def sample_grid(problem: Problem, n: int) -> Tensor:
    """All combinations of n values of each unknown, equally spaced, as optimiser coordinates."""
    axes = [torch.linspace(*k.sampled_codes, n, dtype=torch.float64) for k in problem.scalars]
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def _extrapolated(problem: Problem, codes: Tensor) -> tuple[str, ...]:
    """A warning for every unknown outside the range in which the operator was trained."""
    found = []
    for k, code in zip(problem.scalars, codes.tolist(), strict=True):
        low, high = k.sampled or k.bounds
        if not low <= k.decode(code) <= high:
            found.append(
                f"{k.name} = {k.decode(code):.3g} is outside [{low:g}, {high:g}], where the "
                "operator was trained: it extrapolates"
            )
    return tuple(found)


def _some(n: int, wanted: int | None, generator: torch.Generator) -> Tensor:
    """Indices of `wanted` of n things, without repetition; all of them for None."""
    return torch.randperm(n, generator=generator)[:wanted]


def _mlp(sizes: list[int], generator: torch.Generator) -> nn.ModuleList:
    """Linear layers with weights and biases from U(-1/sqrt(d), 1/sqrt(d)), d the inputs."""
    layers = nn.ModuleList()
    for d, width in itertools.pairwise(sizes):
        layer = nn.utils.skip_init(nn.Linear, d, width)
        for parameter in layer.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(d), 1 / math.sqrt(d), generator)
        layers.append(layer)
    return layers


def _weights(mlp: nn.ModuleList) -> list[tuple[Tensor, Tensor]]:
    return [(layer.get_parameter("weight"), layer.get_parameter("bias")) for layer in mlp]
