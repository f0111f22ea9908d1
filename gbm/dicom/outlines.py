"""Outlines of a mask along the edges of its pixels: their area is that of the mask.

Pixels that touch at a corner only are apart; a hole is joined to its surroundings by a cut that is
gone along twice (a keyhole), as closed planar contours ask for.
"""

from __future__ import annotations

import numpy as np

Point = tuple[int, int]

LEFT: dict[Point, Point] = {(1, 0): (0, 1), (0, 1): (-1, 0), (-1, 0): (0, -1), (0, -1): (1, 0)}
"""Direction after a turn to the left."""


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Closed outlines of a mask (columns, rows).

    Returns
    -------
    list of ndarray (n, 2)
        Corners, in pixels: the centre of pixel (i, j) is at (i, j), its corners half a pixel
        away. Counter-clockwise (first axis to the right, second upwards), the first corner once.
    """
    loops = _loops(np.pad(np.asarray(mask, bool), 1))
    areas = [_area(loop) for loop in loops]
    outer = [loop for loop, area in zip(loops, areas, strict=True) if area > 0]
    holes = [loop for loop, area in zip(loops, areas, strict=True) if area < 0]
    for hole in sorted(holes, key=lambda loop: min(loop)):
        _join(outer, hole)
    # a pixel of padding, and half a pixel from corner to centre
    return [np.array(_corners(loop), float) - 1.5 for loop in outer]


def area(outline: np.ndarray) -> float:
    """Area inside an outline (n, 2), positive if it is counter-clockwise."""
    x, y = outline.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _loops(mask: np.ndarray) -> list[list[Point]]:
    """All borders as loops of lattice points, the mask on their left."""
    edges: dict[Point, list[Point]] = {}
    for axis, side, start, step in (
        (1, -1, (0, 0), (1, 0)),
        (0, 1, (1, 0), (0, 1)),
        (1, 1, (1, 1), (-1, 0)),
        (0, -1, (0, 1), (0, -1)),
    ):
        border = mask & ~np.roll(mask, -side, axis)
        for i, j in np.argwhere(border):
            edges.setdefault((int(i) + start[0], int(j) + start[1]), []).append(step)
    loops = []
    while edges:
        first = next(iter(edges))
        loop, at, heading = [], first, edges[first][0]
        while True:
            loop.append(at)
            edges[at].remove(heading)
            if not edges[at]:
                del edges[at]
            at = (at[0] + heading[0], at[1] + heading[1])
            if at == first:
                break
            ways = edges[at]
            # at a corner where two pixels touch, stay with the own one
            heading = LEFT[heading] if LEFT[heading] in ways else ways[0]
        loops.append(loop)
    return loops


def _area(loop: list[Point]) -> float:
    return area(np.array(loop, float))


def _join(outer: list[list[Point]], hole: list[Point]) -> None:
    """Cut from the leftmost point of a hole to the nearest border on its left."""
    x, y = min(hole)
    near = [
        (point[0], n, k)
        for n, loop in enumerate(outer)
        for k, point in enumerate(loop)
        if point[1] == y and point[0] < x
    ]
    _, n, k = max(near)
    turn = hole.index((x, y))
    around = hole[turn:] + hole[: turn + 1]
    outer[n] = [*outer[n][: k + 1], *around, *outer[n][k:]]


def _corners(loop: list[Point]) -> list[Point]:
    """A loop without the points on its straight parts."""
    kept = []
    for before, at, after in zip([loop[-1], *loop[:-1]], loop, [*loop[1:], loop[0]], strict=True):
        one = (at[0] - before[0], at[1] - before[1])
        two = (after[0] - at[0], after[1] - at[1])
        if one[0] * two[1] != one[1] * two[0] or one[0] * two[0] + one[1] * two[1] <= 0:
            kept.append(at)
    return kept
