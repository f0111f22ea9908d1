"""Random functions for training: their distribution, and what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bilo.inverse.ensemble import Ensemble, Tabulated
from bilo.inverse.points import Points
from bilo.inverse.random_fields import covariance
from bilo.problems.poisson import Poisson

COUNT = 2000
NODES = np.linspace(0, 1, 11)


def _values(functions: list[Tabulated], x: np.ndarray = NODES) -> np.ndarray:
    points = Points({"x": torch.from_numpy(x)})
    return torch.stack([f(points) for f in functions]).numpy()


def _poisson() -> Ensemble:
    (D,) = Poisson().functions
    assert D.sampled is not None
    return D.sampled


@pytest.mark.parametrize("length", [0.1, 0.4])
def test_functions_have_the_conditioned_distribution(length: float) -> None:
    """The kriging variance and mean at every node, within five standard errors; exact ends."""
    ends, mean, variance = (1.0, 1.2), 0.9, 0.05
    f = _values(Ensemble(mean, variance, ends, [length]).draw(f"length{length:g}", COUNT, 0))
    assert np.abs(f[:, [0, -1]] - ends).max() < 1e-14
    C = covariance(NODES[:, None] - NODES, variance, length)
    gain = np.linalg.solve(C[[0, -1]][:, [0, -1]], C[[0, -1]]).T
    expected = mean + gain @ (np.array(ends) - mean)
    left = np.diag(C - gain @ C[[0, -1]])[1:-1]
    assert (np.abs(f.mean(0) - expected)[1:-1] < 5 * (left / COUNT) ** 0.5).all()
    assert (np.abs(f.var(0)[1:-1] - left) < 5 * left * (2 / COUNT) ** 0.5).all()
    if length == 0.1:  # the ends are far from the middle
        assert left[4] == pytest.approx(variance, rel=1e-4)


def test_functions_of_poisson() -> None:
    """Diffusivities: D = 1 at the ends, positive, of four lengths of which the short are rough."""
    ensemble = _poisson()
    assert ensemble.choices == {f"length{k}": k for k in (0.1, 0.2, 0.3, 0.4)}
    fine = np.linspace(0, 1, 1001)
    slopes = []
    for name in ensemble.choices:
        D = _values(ensemble.draw(name, 300, 0), fine)
        assert np.abs(D[:, [0, -1]] - 1).max() < 1e-14
        assert D.min() > 0.09  # between the nodes of the grid a spline may fall a little further
        slopes.append((np.gradient(D, fine, axis=1) ** 2).mean())
    assert slopes == sorted(slopes, reverse=True)


def test_below_the_floor_there_is_nothing() -> None:
    """Exactly those functions that go below are left out."""
    open_ended = Ensemble(1.0, 0.2, (1.0, 1.0), [0.2])
    floored = Ensemble(1.0, 0.2, (1.0, 1.0), [0.2], floor=0.5)
    every = [f.values for f in open_ended.draw("length0.2", 100, 0)]
    kept = [f.values for f in floored.draw("length0.2", 30, 0)]
    stayed = [f for f in every if f.min() > 0.5][:30]
    assert len(stayed) == 30
    assert len(every) > len([f for f in every if f.min() > 0.5])
    assert np.allclose(kept, stayed, atol=1e-12)
    with pytest.raises(ValueError, match="functions above 1 do not end at"):
        Ensemble(1.0, 0.2, (1.0, 1.0), [0.2], floor=1.0)


def test_a_seed_gives_its_functions_again() -> None:
    """Whatever their number; another seed gives others."""
    ensemble = _poisson()
    few, many, other = (
        _values(ensemble.draw("length0.1", count, seed))
        for count, seed in ((3, 5), (40, 5), (3, 6))
    )
    assert np.allclose(few, many[:3], atol=1e-12)
    assert np.abs(few - other).max() > 0.1


def test_a_function_between_its_nodes() -> None:
    """Fourth order: half the width of the cells leaves a sixteenth of the error."""
    x = torch.linspace(0, 1, 997, dtype=torch.float64)
    errors = []
    for n in (20, 40, 80):
        f = Tabulated(np.cos(np.pi * np.linspace(0, 1, n + 1)))
        errors.append(float((f(Points({"x": x})) - (torch.pi * x).cos()).abs().max()))
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 3.7).all()
    assert errors[-1] < 1e-7
