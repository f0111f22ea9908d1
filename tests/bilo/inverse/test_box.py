"""Boxes in one to four coordinates: where their points lie, and what they integrate."""

from __future__ import annotations

import math

import pytest
import torch

from bilo.inverse.box import Box

INTERVALS = {"t": (0.0, 20.0), "x": (-1.0, 3.0), "y": (0.0, 1.0), "z": (2.0, 2.5)}


@pytest.fixture(params=[1, 2, 3, 4])
def box(request: pytest.FixtureRequest) -> Box:
    return Box(**dict(list(INTERVALS.items())[: request.param]))


def _draw() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_every_kind_of_points_lies_inside_and_fills_the_sides(box: Box) -> None:
    d = len(box.names)
    for points in (
        box.grid(5),
        box.gauss(5**d),
        box.midpoints(5),
        box.lattice(625, _draw()),
        box.random(625, _draw()),
    ):
        assert tuple(points.coordinates) == box.names
        assert box.contains(points).all()
        for name, (low, high) in box.intervals.items():
            x = points.coordinates[name]
            assert x.min() < low + 0.25 * (high - low)
            assert x.max() > high - 0.25 * (high - low)


def test_a_grid_has_the_ends_and_equal_steps(box: Box) -> None:
    points = box.grid(5)
    assert len(points) == 5 ** len(box.names)
    for name, (low, high) in box.intervals.items():
        axis = points.coordinates[name].unique()
        assert torch.allclose(axis, torch.linspace(low, high, 5).double())


def test_a_grid_may_have_a_number_for_each_axis(box: Box) -> None:
    counts = {name: 2 + k for k, name in enumerate(box.names)}
    points = box.grid(**counts)
    assert len(points) == math.prod(counts.values())
    assert {k: len(v.unique()) for k, v in points.coordinates.items()} == counts
    slow, fast = box.names[0], box.names[-1]
    assert len(points.coordinates[slow][: counts[fast]].unique()) == (1 if slow != fast else 2)


def test_gauss_points_integrate_where_equal_weights_are_put_back(box: Box) -> None:
    """Three points a side: with the rule's weights exact to degree five."""
    points = box.gauss(3 ** len(box.names))
    weights = torch.ones(len(points), dtype=torch.float64)
    exact = 1.0
    integrand = torch.ones(len(points), dtype=torch.float64)
    for name, (low, high) in box.intervals.items():
        part = (points.coordinates[name].double() - low) / (high - low)
        weights *= torch.where((part - 0.5).abs() < 1e-3, 8 / 18, 5 / 18)
        integrand *= part**5
        exact /= 6
    assert float((weights * integrand).sum()) == pytest.approx(exact, rel=1e-5)
    if len(box.names) > 1:
        assert len(box.gauss(3 ** len(box.names) + 1)) == len(points)


def test_a_lattice_integrates_better_than_random_points(box: Box) -> None:
    """Periodic and smooth: 1 on average."""

    def error(kind: str, seed: int) -> float:
        draw = torch.Generator().manual_seed(seed)
        points = getattr(box, kind)(1000, draw)
        f = torch.ones(1000, dtype=torch.float64)
        for x in box.relative(points.coordinates).values():
            f *= 1 + (2 * math.pi * x.double()).sin()
        return float(f.mean() - 1) ** 2

    lattice, random = (sum(error(kind, s) for s in range(20)) for kind in ("lattice", "random"))
    assert lattice < 0.1 * random


def test_a_lattice_is_drawn_anew_and_repeats_itself(box: Box) -> None:
    name = box.names[-1]
    one, same = (box.lattice(50, _draw()).coordinates[name] for _ in range(2))
    assert torch.equal(one, same)
    draw = _draw()
    box.lattice(50, draw)
    assert not torch.equal(one, box.lattice(50, draw).coordinates[name])


def test_a_side_holds_one_coordinate(box: Box) -> None:
    for name, (low, _) in box.intervals.items():
        points = box.side(name, low, 4)
        assert len(points) == 4 ** (len(box.names) - 1)
        assert tuple(points.coordinates) == box.names
        assert (points.coordinates[name] == low).all()
        for other in set(box.names) - {name}:
            assert torch.allclose(
                points.coordinates[other].unique(),
                torch.linspace(*box.intervals[other], 4).double(),
            )


def test_what_lies_outside_by_more_than_a_margin(box: Box) -> None:
    middle = box.midpoints(1)
    assert box.contains(middle).all()
    for name, (low, high) in box.intervals.items():
        size = high - low
        for beyond in (low - 0.01 * size, high + 0.01 * size):
            moved = {**middle.coordinates, name: torch.full((1,), beyond)}
            points = type(middle)(moved)
            assert not box.contains(points).any()
            assert box.contains(points, margin=0.02).all()


def test_parts_of_the_sides_go_there_and_back(box: Box) -> None:
    points = box.random(30, _draw())
    parts = box.relative(points.coordinates)
    for name, (low, high) in box.intervals.items():
        assert ((parts[name] >= -1e-6) & (parts[name] <= 1 + 1e-6)).all()
        assert torch.allclose(low + (high - low) * parts[name], points.coordinates[name])
    if set(box.intervals.values()) == {(0.0, 1.0)}:
        assert parts == points.coordinates


@pytest.mark.parametrize("interval", [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_what_is_no_interval_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"x: \(.*\) is no interval"):
        Box(t=(0, 1), x=interval)


def test_a_length_is_no_interval() -> None:
    with pytest.raises(ValueError, match=r"t: 10 is no interval, such as \(0, 1\)"):
        Box(t=10)  # type: ignore[arg-type]


def test_a_box_without_coordinates_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one coordinate"):
        Box()


def test_a_grid_says_what_it_cannot_be() -> None:
    box = Box(t=(0, 2), x=(0, 1))
    with pytest.raises(ValueError, match=r"how many points along t"):
        box.grid(x=3)
    with pytest.raises(ValueError, match=r"no such y"):
        box.grid(3, y=2)
    assert box.grid(t=2.0, x=3).coordinates["t"].tolist() == [2.0, 2.0, 2.0]
