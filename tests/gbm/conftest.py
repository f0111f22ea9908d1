"""A patient whose steps have all run: small, synthetic, made of the files the steps write."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.config.loading import load_patient
from gbm.config.settings import Settings
from gbm.domain.domain import Domain, save_domain
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import coarsen
from gbm.growth.metrics import masks
from gbm.growth.parameters import Growth, Seed, squared_distance
from gbm.imaging.labels import read_regions, save_regions
from gbm.imaging.overlap import equal_radius
from gbm.io.files import write_npz, write_sealed, write_text
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays
from gbm.report.comparison_findings import Compared
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps import plan
from gbm.steps.comparison import run as compare
from gbm.steps.comparison_page import read
from gbm.steps.metrics import run

SHAPE = (48, 44)
SLICES = 7
FILE_SLICE = 3


def _mapping(paths: dict[str, Path]) -> str:
    """A mapping of paths in YAML."""
    return "{" + ", ".join(f"{name}: {path}" for name, path in paths.items()) + "}"


@dataclass(frozen=True)
class Bundle:
    """Folders and files of the synthetic patient."""

    root: Path
    domain: Domain
    settings: dict[str, Any]

    @property
    def work(self) -> Path:
        return self.root / "work" / f"sub-{self.domain.patient}"

    @property
    def anat(self) -> Path:
        return self.root / f"sub-{self.domain.patient}" / "anat"

    def describe(self, images: dict[str, Path]) -> None:
        """Write the patient file."""
        maps = {name: self.files.maps[name] for name in ("wm", "gm", "csf")}
        write_text(
            self.root / "p1.yaml",
            'patient:\n  id: "p1"\n  segmentation: {path: seg.nii.gz, convention: brats}\n'
            f"  tissue: {_mapping(maps)}\n  images: {_mapping(images)}\n",
        )

    def anat_file(self, end: str) -> Path:
        return self.anat / f"sub-{self.domain.patient}_{end}"

    @property
    def files(self) -> Layout:
        return Layout(self.root, self.domain.patient)

    @property
    def job(self) -> Job:
        return Job.of(str(self.root / "p1.yaml"), self.settings, self.files)


def disc_domain(patient: str = "p1") -> Domain:
    """A round brain with a round tumour."""
    x, y = np.arange(SHAPE[0]) - 10.0, np.arange(SHAPE[1]) + 5.0
    from_middle = np.hypot(x[:, None] - x.mean(), y[None, :] - y.mean())
    phi = np.clip((1 + np.tanh(20 - from_middle)) / 2, 1e-4, 1)
    distance = np.hypot(x[:, None] - 16.0, y[None, :] - 24.0)
    tissue = (phi > 0.5).astype(float)
    affine = np.eye(4)
    affine[:3, 3] = [x[0], y[0], 40.0]
    whole, core = (distance < 11) & (phi > 0.5), distance < 6
    return Domain(
        patient=patient, P=0.8 * tissue, phi=phi, WT=whole, TC=core,
        wm=0.8 * tissue, gm=0.2 * tissue, csf=1 - tissue, axes=(x, y), x0=np.array([16.0, 24.0]),
        plane="axial", slice=FILE_SLICE, affine=affine,
        numbers={
            "wt_area_mm2": float(whole.sum()), "tc_area_mm2": float(core.sum()),
            "radius_WT_mm": 11.0, "radius_TC_mm": 6.0, "wt_outside_tissue_fraction": 0.02,
            "tissue_area_mm2": float((phi > 0.5).sum()), "second_focus": 0.0,
        },
    )  # fmt: skip


CUBE = (36, 32, 28)


def ball_domain(patient: str = "p1") -> Domain:
    """A round brain with a round tumour, the whole of it."""
    axes = tuple(np.arange(n) + start for n, start in zip(CUBE, (-10.0, 5.0, 40.0), strict=True))
    middle = np.array([axis.mean() for axis in axes])
    from_middle = np.sqrt(squared_distance(axes, middle))
    phi = np.clip((1 + np.tanh(13 - from_middle)) / 2, 1e-4, 1).astype(np.float32)
    centre = np.array([8.0, 20.0, 53.0])
    distance = np.sqrt(squared_distance(axes, centre))
    tissue = (phi > 0.5).astype(np.float32)
    affine = np.eye(4)
    affine[:3, 3] = [axis[0] for axis in axes]
    whole, core = (distance < 8) & (phi > 0.5), distance < 5
    return Domain(
        patient=patient, P=np.float32(0.8) * tissue, phi=phi, WT=whole, TC=core,
        wm=np.float32(0.8) * tissue, gm=np.float32(0.2) * tissue, csf=1 - tissue, axes=axes,
        x0=centre, affine=affine,
        numbers={
            "wt_volume_ml": 1e-3 * float(whole.sum()), "tc_volume_ml": 1e-3 * float(core.sum()),
            "slice_thickness_mm": 1.0,
            "tissue_volume_ml": 1e-3 * float(tissue.sum()),
            "radius_WT_mm": equal_radius(whole), "radius_TC_mm": equal_radius(core),
            "wt_outside_tissue_fraction": 0.02,
        },
    )  # fmt: skip


SIZES = {2: {"area_mm2": (380.0, 112.0)}, 3: {"volume_ml": (2.144, 0.524)}}


def scores(whole: float, core: float, dimensions: int = 2) -> dict[str, dict[str, float]]:
    """Metrics of one solution."""
    ((name, (large, small)),) = SIZES[dimensions].items()
    return {
        "WT": {"dice": whole, "hd95_mm": 2.0, name: large},
        "TC": {"dice": core, "hd95_mm": 1.5, name: small},
    }


def beyond(dimensions: int = 2) -> dict[str, float]:
    """What a solution infiltrates outside WT."""
    unit = {2: "mm2", 3: "ml"}[dimensions]
    return {
        f"extent_0.1_{unit}": 63.4, "margin_0.1_mm": 4.24,
        f"extent_0.01_{unit}": 217.6, "margin_0.01_mm": 8.06,
    }  # fmt: skip


ORIGINS = {2: ([15.0, 25.0], [16.0, 24.0]), 3: ([9.0, 20.0, 54.0], [8.0, 20.0, 53.0])}
"""The inferred origin, and the centre of the core."""


def fit_record(
    method: str, lift: str, x0: str, weight: float | None, seed: int, dimensions: int = 2
) -> dict[str, Any]:
    """What a fit writes."""
    return {
        "method": method, "lift": lift, "x0": x0, "weight": weight,
        "seed": seed, "DT_mm2": 150.0, "rhoT": 6.0, "lambda_mm": 5.0, "rD": 0.9, "rRHO": 1.1,
        "thresholds": {"WT": 0.33, "TC": 0.6}, "x0_grid_mm": ORIGINS[dimensions][0],
        "objective_network": 0.25, "status": "converged", "converged": True, "warnings": [],
        "steps": 900, "seconds": 41.0, "device": "cpu",
        "history": {"step": [0, 1, 2], "residual": [1.0, 0.1, 0.01], "objective": [0.5, 0.3, 0.25],
                    "rD": [1.0, 0.95, 0.9], "rRHO": [1.0, 1.05, 1.1]},
        "assessment": {},
    }  # fmt: skip


def verification_record(
    network: float, solver: float, error: float = 0.01, dimensions: int = 2
) -> dict[str, Any]:
    """What the verification of a fit writes."""
    return {
        "relative_error_u": {
            "final": error, "all_t": 1.2 * error, "final_with_interface": 1.5 * error
        },
        "objective": {"network": 0.25, "fdm": 0.251}, "objective_prior": 0.002,
        "objective_network_grid": {"network": 0.25 + 0.002 * (dimensions == 3),
                                   "fdm": 0.251 + 0.002 * (dimensions == 3)},
        "dice": {"network": {"WT": network, "TC": network - 0.05},
                 "fdm": {"WT": solver, "TC": solver - 0.05}},
        "metrics": {"network": scores(network, network - 0.05, dimensions),
                    "fdm": scores(solver, solver - 0.05, dimensions)},
        "extent": beyond(dimensions), "status": "converged", "warnings": [],
    }  # fmt: skip


def reference(
    growth: tuple[float, float, float],
    thresholds: tuple[float, float],
    objective: float,
    dices: tuple[float, float],
    dimensions: int = 2,
) -> dict[str, Any]:
    """What is written of a solution (D T, rho T, lambda) with the origin at the centroid."""
    return {
        **dict(zip(("DT_mm2", "rhoT", "lambda_mm"), growth, strict=True)),
        "thresholds": dict(zip(("WT", "TC"), thresholds, strict=True)),
        "x0_grid_mm": ORIGINS[dimensions][1], "objective": objective, "objective_prior": 0.002,
        "metrics": scores(*dices, dimensions),
    }  # fmt: skip


def direct(
    found: dict[str, Any],
    origin: list[float],
    seconds: float,
    minima: list[tuple[float, float, float]],
) -> dict[str, Any]:
    """What is written of a direct fit."""
    names = ("lambda_mm", "rhoT", "objective")
    return {
        **found, "x0_grid_mm": origin, "x0_shift_mm": 0.5, "seconds": seconds,
        "objective_network_grid": found["objective"] + 0.002 * (len(origin) == 3),
        "extent": beyond(len(origin)),
        "converged": True, "warnings": [],
        "minima": [
            {**dict(zip(names, end, strict=True)), "x0_grid_mm": origin,
             "thresholds": [*found["thresholds"].values()]}
            for end in minima
        ],
    }  # fmt: skip


FITS = {
    "bilo_char_inferred_seed0": ("bilo", "char", "inferred", None, 0, 0.90, 0.90),
    "bilo_char_inferred_seed1": ("bilo", "char", "inferred", None, 1, 0.90, 0.90),
    "bilo_char_fixed_seed0": ("bilo", "char", "fixed", None, 0, 0.88, 0.88),
    "bilo_heat_inferred_seed0": ("bilo", "heat", "inferred", None, 0, 0.90, 0.89),
    "pinn_char_w1e-5_seed0": ("pinn", "char", "inferred", 1e-5, 0, 0.86, 0.85),
    "pinn_char_w1e-3_seed0": ("pinn", "char", "inferred", 1e-3, 0, 0.95, 0.80),
}


MAIN_FITS = {name: fit for name, fit in FITS.items() if name.startswith("bilo_char_inferred")}
"""Those of the main job."""


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """A synthetic patient up to and including verification and baselines: one slice."""
    return assemble(tmp_path / "gbm", disc_domain(), FITS)


@pytest.fixture
def volume_bundle(tmp_path: Path) -> Bundle:
    """The same of a whole tumour."""
    return assemble(tmp_path / "volume", ball_domain(), MAIN_FITS)


def assemble(root: Path, domain: Domain, fits: dict[str, tuple[Any, ...]]) -> Bundle:
    """Write what the steps of a patient leave behind, for a slice or a whole tumour."""
    settings = Settings.model_validate(
        {
            "dimensions": domain.dimensions,
            "fit": {"seeds": [0, 1], "pinn_weights": [1e-5, 1e-3]},
        }
    )
    made = Bundle(root, domain, settings.model_dump(mode="json"))
    made.describe({})
    save_domain(made.anat_file("desc-domain.npz"), domain)
    affine = domain.affine.copy()
    if domain.dimensions == 2:
        affine[2, 3] -= FILE_SLICE

    def volume(field: np.ndarray, slices: slice = slice(None)) -> np.ndarray:
        if field.ndim == 3:
            return field
        whole = np.zeros((*field.shape, SLICES), field.dtype)
        whole[..., slices] = field[..., None]
        return whole

    at = slice(FILE_SLICE, FILE_SLICE + 1)
    labels = volume(2 * domain.WT.astype(np.uint8) + 2 * domain.TC.astype(np.uint8), at)
    nib.save(nib.Nifti1Image(labels, affine), made.root / "seg.nii.gz")
    for name in ("WM", "GM", "CSF"):
        image = nib.Nifti1Image(volume(getattr(domain, name.lower()).astype(np.float32)), affine)
        nib.save(image, made.anat_file(f"label-{name}_probseg.nii.gz"))
    times = np.array([0.5, 0.75, 1.0])
    distance = np.sqrt(squared_distance(domain.axes, np.array(ORIGINS[domain.dimensions][0])))
    u = np.stack([t * np.exp(-(distance**2) / (2 * (9 * t) ** 2)) for t in times])
    cells = volume(np.where(domain.phi > 0.5, u[-1], 0.0).astype(np.float32), at)
    nib.save(nib.Nifti1Image(cells, affine), made.anat_file("desc-fit_celldensity.nii.gz"))
    learned = u if domain.dimensions == 2 else np.stack([coarsen(v, 2) for v in u])
    write_fits(made, fits, (times, learned), u[-1])
    write_references(made, u[-1])
    write_posterior(made, u[-1])
    labels_of = load_patient(made.root / "p1.yaml").segmentation
    save_regions(made.files.regions, read_regions(labels_of))
    if domain.dimensions == 3:
        likely = np.clip(50 * cells, 0, 1)
        nib.save(nib.Nifti1Image(likely, affine), made.files.uncertain["infiltration"])
        plan.run(made.job)
    return made


def write_fits(
    made: Bundle,
    fits: dict[str, tuple[Any, ...]],
    learned: tuple[np.ndarray, np.ndarray],
    u_fdm: np.ndarray,
) -> None:
    """The networks (times and densities on their cells) and their verifications."""
    (times, u), d = learned, made.domain.dimensions
    for name, (method, lift, x0, weight, seed, network, solver) in fits.items():
        record = fit_record(method, lift, x0, weight, seed, d)
        write_sealed(made.work / "fits" / f"{name}.json", record)
        write_npz(made.work / "fits" / f"{name}.npz", u=u * 0.99, times=times)
        checked = verification_record(network, solver, dimensions=d)
        write_sealed(made.work / "verify" / f"{name}.json", checked)
        write_npz(made.work / "verify" / f"{name}.npz", u_fdm=u_fdm)


Z = np.linspace(-2, 2, 41)
"""What the samples of the synthetic posterior are made of: equal weights, variance 1.4, 5 and 95 %
at -1.845 and 1.845 (Hazen's rule: the 2.55th of 41)."""
SAMPLED = {
    "lambda_mm": 4.8 * np.exp(0.2 * Z), "rhoT": 6.2 * np.exp(-0.1 * Z),
    "DT_mm2": 4.8**2 * 6.2 * np.exp(0.3 * Z), "WT": 0.34 + 0.02 * Z, "TC": 0.59 + 0.03 * Z,
}  # fmt: skip
SLICES_FOUND = [
    {"offset_mm": 3.0 * k, "slice": FILE_SLICE + 3 * k, "lambda_mm": 5.02 * float(np.exp(0.2 * k)),
     "rhoT": 6.0 * float(np.exp(-0.1 * k)), "DT_mm2": 151.0 * float(np.exp(0.3 * k)),
     "thresholds": {"WT": 0.33 + 0.03 * k, "TC": 0.6 + 0.05 * k}}
    for k in (-1, 0, 1)
]  # fmt: skip
"""Their standard deviations: .2, .1 and .3 of the logarithms, .03 and .05 of the thresholds."""


def write_posterior(made: Bundle, u: np.ndarray) -> None:
    """What the outlines say: samples, maps, record, in the plane the neighbouring slices."""
    d = made.domain.dimensions
    places = np.tile(made.domain.to_world(np.array(ORIGINS[d][0])), (Z.size, 1))
    places += Z[:, None] * [0.5, -0.25, 0.4 * (d == 3)]
    write_npz(
        arrays(made.files.posterior), **SAMPLED, x0_mm=places, weights=np.full(Z.size, 1 / Z.size),
        low=np.float32(0.5 * u), median=np.float32(0.97 * u),
        high=np.float32(np.minimum(1.5 * u, 1)), infiltration=np.float32(np.clip(50 * u, 0, 1)),
    )  # fmt: skip
    write_sealed(
        made.files.posterior,
        {"extents": {
            name: {"median": value * 1.05, "sd": value / 10,
                   "interval90": [value * 0.85, value * 1.25]}
            for name, value in beyond(d).items()
         },
         "noise_mm": {"WT": 2.34, "TC": 1.2}, "misfit_mm": {"WT": 1.8, "TC": 0.7},
         "lost_outline": {"WT": 0.3, "TC": 0.1}, "effective_sample_size": 0.82,
         "sampler": "importance", "flags": [], "seconds": 12.5},
    )  # fmt: skip
    if d == 2:
        write_sealed(made.files.slices, {"slices": SLICES_FOUND})


def write_references(made: Bundle, u: np.ndarray) -> None:
    """What stands beside the networks, and the numbers of the images."""
    d = made.domain.dimensions
    _, centre = ORIGINS[d]
    beside = [centre[0] - 0.5, *centre[1:-1], centre[-1] + 1.0]
    write_sealed(
        made.work / "characteristic.json",
        {"DT_mm2": 160.0, "rhoT": 5.5, "lambda_mm": 5.4, "reason": None,
         "radius_error": {"WT": 0.001, "TC": 0.002}, "map_radii_mm": {"WT": 10.5, "TC": 5.8}},
    )  # fmt: skip
    write_sealed(
        made.work / "baselines.json",
        {"characteristic_fdm": reference((160.0, 5.5, 5.4), (0.35, 0.6), 0.4, (0.80, 0.75), d),
         "direct_fdm": direct(
             reference((151.0, 6.0, 5.02), (0.33, 0.6), 0.2505, (0.901, 0.85), d), beside, 1.5,
             [(5.02, 6.0, 0.2505), (2.2, 9.0, 0.2510), (9.0, 4.0, 0.31)],
         ),
         "disc": {"x0_grid_mm": centre, "metrics": scores(0.84, 0.80, d)}},
    )  # fmt: skip
    write_sealed(
        made.work / "identifiability.json",
        {"surface": {"lambda_mm": [4.0, 5.0, 6.0], "rhoT": [5.5, 6.0, 6.5],
                     "objective": [[0.3, 0.27, 0.252], [0.27, 0.2505, 0.28], [0.26, 0.29, 0.33]]},
         "profile": {"lambda_mm": [3.0, 4.0, 5.0, 6.0, 8.0], "rhoT": [7.4, 6.6, 6.0, 5.6, 5.1],
                     "objective": [0.27, 0.252, 0.2505, 0.2515, 0.29],
                     "without_prior_of_lambda": [0.9, 0.8, 0.2501, 0.8, 0.9]}},
    )  # fmt: skip
    write_npz(made.work / "baselines.npz", u_direct=u)
    if d == 3:
        write_sealed(
            made.files.slice_fit,
            {"lambda_mm": 7.3, "rhoT": 4.5, "DT_mm2": 239.8, "x0_mm": [10.0, 23.0, 56.0],
             "slice": 14, "plane": "axial", "objective": 0.22, "converged": True, "warnings": []},
        )  # fmt: skip
    write_sealed(
        made.work / "direct_fixed.json",
        direct(
            reference((148.0, 6.1, 4.93), (0.32, 0.61), 0.2605, (0.882, 0.83), d), centre, 1.2,
            [(4.93, 6.1, 0.2605)],
        ),
    )  # fmt: skip
    numbers = {"brain_dice": 0.97, "correlation": 0.8, "enhancing_fraction": None}
    write_sealed(made.work / "quality.json", {"numbers": numbers})
    write_sealed(made.files.check, {"warnings": ["maps were divided by 255"]})


@pytest.fixture
def direct_bundle(bundle: Bundle) -> Bundle:
    """The same patient with the direct fit as the headline; no network has left anything."""
    return without_networks(bundle)


@pytest.fixture
def direct_volume_bundle(volume_bundle: Bundle) -> Bundle:
    """The same of a whole tumour."""
    return without_networks(volume_bundle)


def without_networks(bundle: Bundle) -> Bundle:
    """The direct fit becomes the headline."""
    for folder in ("fits", "verify"):
        shutil.rmtree(bundle.work / folder)
    bundle.settings["fit"]["method"] = "direct"
    return bundle


@pytest.fixture
def compared(bundle: Bundle) -> Compared:
    """The synthetic patient with its comparison."""
    run(bundle.job)
    compare(bundle.job)
    return read(bundle.files)


@pytest.fixture
def result(bundle: Bundle) -> PatientResult:
    """What the steps of the synthetic patient found."""
    run(bundle.job)
    return read_result(bundle.files.params)


@dataclass(frozen=True)
class Grown:
    """A domain whose regions were made by the growth model itself, and what made them."""

    domain: Domain
    DT: float
    rhoT: float
    x0: np.ndarray
    thresholds: dict[str, float]

    @property
    def growth(self) -> Growth:
        return Growth(self.DT, self.rhoT)

    @property
    def seed(self) -> Seed:
        return Seed(self.x0)


@pytest.fixture(scope="session")
def grown() -> Grown:
    """White and grey stripes in a round brain; the true origin lies 3 mm off the centre of TC."""
    x, y = np.arange(72) - 36.0, np.arange(68) + 4.0
    grey = 0.5 + 0.5 * np.sin(0.35 * x[:, None] + 0.2 * y[None, :])
    from_middle = np.hypot(x[:, None] - x.mean(), y[None, :] - y.mean())
    phi = np.clip((1 + np.tanh(31.0 - from_middle)) / 2, 1e-4, 1)
    empty = np.zeros_like(phi, dtype=bool)
    bare = Domain(
        patient="grown", P=1 - 0.9 * grey, phi=phi, WT=empty, TC=empty,
        wm=1 - grey, gm=grey, csf=0 * grey, axes=(x, y), x0=np.zeros(2),
        plane="axial", slice=0, affine=np.eye(4), numbers={},
    )  # fmt: skip
    DT, rhoT, x0, thresholds = 3.0**2 * 6.5, 6.5, np.array([2.0, 34.0]), {"WT": 0.32, "TC": 0.62}
    u = coarsen(solve(bare, Growth(DT, rhoT), Seed(x0), cell_mm=0.5)[0], 2)
    regions = masks(bare, u, thresholds)
    radii = {f"radius_{r}_mm": float(np.sqrt(m.sum() / np.pi)) for r, m in regions.items()}
    off = x0 + np.array([2.4, -1.8])
    filled = replace(bare, WT=regions["WT"], TC=regions["TC"], x0=off, numbers=radii)
    return Grown(filled, DT, rhoT, x0, thresholds)


@pytest.fixture(scope="session")
def space() -> Grown:
    """A small brain of layers with a whole tumour; the true origin lies off its centre."""
    axes = tuple(np.arange(52) + start for start in (-26.0, 4.0, -10.0))
    x, y, z = np.ix_(*axes)
    grey = (0.5 + 0.5 * np.sin(0.35 * x + 0.2 * y - 0.15 * z)).astype(np.float32)
    middle = np.array([axis.mean() for axis in axes])
    distance = np.sqrt(squared_distance(axes, middle))
    phi = np.clip((1 + np.tanh(23.0 - distance)) / 2, 1e-4, 1).astype(np.float32)
    empty = np.zeros(phi.shape, dtype=bool)
    bare = Domain(
        patient="space", P=1 - np.float32(0.9) * grey, phi=phi, WT=empty, TC=empty,
        wm=1 - grey, gm=grey, csf=0 * grey, axes=axes, x0=np.zeros(3), affine=np.eye(4),
        numbers={},
    )  # fmt: skip
    growth, x0 = Growth.of_lambda(2.0, 9.0), middle + np.array([2.0, -3.0, 1.0])
    thresholds = {"WT": 0.3, "TC": 0.6}
    u = solve(bare, growth, Seed(x0))[0]
    regions = masks(bare, u, thresholds)
    radii = {f"radius_{r}_mm": equal_radius(m) for r, m in regions.items()}
    off = x0 + np.array([1.5, 1.0, -1.2])
    filled = replace(bare, WT=regions["WT"], TC=regions["TC"], x0=off, numbers=radii)
    return Grown(filled, growth.DT, growth.rhoT, x0, thresholds)
