"""Do the intervals of one tumour overlap when its outlines are drawn again?

    python -m tests.gbm.redrawn OUT DOMAIN.npz ...

Every outline of a domain that a run has left is displaced three times by a smooth Gaussian field of
1 mm (6 mm long), and the posterior is sampled. A drawing is one JSON file in OUT, and what is there
is not done again; the table comes last.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gbm.demo.anatomy import smooth_noise
from gbm.domain.domain import Domain, load_domain
from gbm.io.files import read_json, write_json
from gbm.posterior.sampling import outline_posterior
from tests.gbm.truths import signed_distance

DRAWINGS, SD_MM, LENGTH_MM = 3, 1.0, 6.0
NAMES = ("lambda_mm", "rhoT", "DT_mm2")


def redrawn(domain: Domain, seed: int) -> Domain:
    """Both outlines displaced, each by a field of its own; the core stays inside."""
    rng = np.random.default_rng([8, seed])
    drawn = []
    for region in (domain.WT, domain.TC):
        error = smooth_noise(rng, region.shape, LENGTH_MM / domain.spacing)
        drawn.append((signed_distance(region, domain.spacing) + SD_MM * error > 0) & domain.tissue)
    return replace(domain, WT=drawn[0], TC=drawn[1] & drawn[0])


def described(domain: Domain) -> dict[str, Any]:
    """Intervals of one drawing."""
    found = outline_posterior(domain)
    origin = {f"x0_{axis}": s for axis, s in zip("xyz", found.origin(), strict=False)}
    numbers = {name: found.parameters()[name] for name in NAMES} | origin
    return {
        "interval90": {name: s.interval90 for name, s in numbers.items()},
        "median": {name: s.median for name, s in numbers.items()},
        "misfit_mm": found.misfit_mm, "flags": found.flags, "sampler": found.sampler,
        "seconds": found.seconds,
    }  # fmt: skip


def table(out: Path) -> str:
    """A line a domain: which numbers have pairs of intervals that do not overlap."""
    lines, cases = [], {file.stem: read_json(file) for file in sorted(out.glob("*.json"))}
    good = []
    for name, group in itertools.groupby(cases, key=lambda stem: stem.rsplit("-", 1)[0]):
        drawings = [cases[stem] for stem in group]
        apart = [
            number
            for number in drawings[0]["interval90"]
            if any(
                max(a["interval90"][number][0], b["interval90"][number][0])
                > min(a["interval90"][number][1], b["interval90"][number][1])
                for a, b in itertools.combinations(drawings, 2)
            )
        ]
        good.append(not apart)
        shown = [
            "{:.2f} [{:.2f}, {:.2f}]".format(
                d["median"]["lambda_mm"], *d["interval90"]["lambda_mm"]
            )
            for d in drawings
        ]
        flags = sorted({flag for d in drawings for flag in d["flags"]})
        seconds = max(d["seconds"] for d in drawings)
        lines.append(f"{name}: lambda {'; '.join(shown)}; apart {apart}; {flags}; {seconds:.0f} s")
    return "\n".join([*lines, f"all pairs overlap on {sum(good)} of {len(good)}"])


def main(out: Path, names: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, seed in itertools.product(names, range(DRAWINGS)):
        domain = load_domain(Path(name))
        file = out / f"{domain.patient}-{seed}.json"
        if not file.exists():
            write_json(file, described(redrawn(domain, seed)))
            print(file.stem, flush=True)
    print(table(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
