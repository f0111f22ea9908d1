"""Where the files of a run lie: each name once, for the rules of the workflow and for the steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gbm.config.conventions import REGIONS

MAPS = ("wm", "gm", "csf")
PLANS = ("standard", "model", "modelrobust")
UNCERTAIN = {
    "low": "lower_celldensity", "high": "upper_celldensity", "infiltration": "infiltration_probseg",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Files of one patient.

    Attributes
    ----------
    root : Path
        Folder of the derivatives, `results/gbm`.
    patient : str
        Name of the patient in paths. A wildcard in braces makes patterns of all paths.

    >>> Layout(Path("results/gbm"), "p1").check.as_posix()
    'results/gbm/work/sub-p1/check.json'
    >>> Layout(Path("results/gbm"), "{patient}").fit("{fit}").as_posix()
    'results/gbm/work/sub-{patient}/fits/{fit}.json'
    """

    root: Path
    patient: str

    @property
    def _work(self) -> Path:
        return self.root / "work" / f"sub-{self.patient}"

    def _anat(self, end: str) -> Path:
        return self.root / f"sub-{self.patient}" / "anat" / f"sub-{self.patient}_{end}"

    # --- images -> the problem
    @property
    def check(self) -> Path:
        """What `check` found."""
        return self._work / "check.json"

    @property
    def regions(self) -> Path:
        """WT and TC, derived from the labels once."""
        return self._work / "regions.npz"

    @property
    def registered(self) -> dict[str, Path]:
        """The warped atlas (`t1`, `wm`, `gm`, `csf`) and the image it was registered to."""
        names = ("t1", *MAPS, "image")
        return {name: self._work / "registration" / f"{name}.nii.gz" for name in names}

    @property
    def registration(self) -> Path:
        """What the registration tried and chose."""
        return self._work / "registration" / "registration.json"

    @property
    def maps(self) -> dict[str, Path]:
        """Tissue maps `wm`, `gm`, `csf` on the grid of the segmentation."""
        return {name: self._anat(f"label-{name.upper()}_probseg.nii.gz") for name in MAPS}

    @property
    def tissue(self) -> Path:
        """Quality of the tissue maps."""
        return self._work / "tissue.json"

    @property
    def domain(self) -> Path:
        """The problem that is fitted."""
        return self._anat("desc-domain.npz")

    @property
    def quality(self) -> Path:
        """Quality numbers before any fit."""
        return self._work / "quality.json"

    # --- growth
    @property
    def characteristic(self) -> Path:
        """Characteristic parameters."""
        return self._work / "characteristic.json"

    @property
    def baselines(self) -> Path:
        """References beside the networks."""
        return self._work / "baselines.json"

    @property
    def identifiability(self) -> Path:
        """What one scan tells: profile and surface."""
        return self._work / "identifiability.json"

    @property
    def posterior(self) -> Path:
        """The posterior given the outlines; its samples and maps beside it."""
        return self._work / "posterior.json"

    @property
    def slices(self) -> Path:
        """Direct fits of the slices beside the fitted one."""
        return self._work / "slices.json"

    @property
    def slice_fit(self) -> Path:
        """What one slice of a volume says."""
        return self._work / "slice_fit.json"

    @property
    def direct_fixed(self) -> Path:
        """The direct fit with the origin fixed, of the comparison."""
        return self._work / "direct_fixed.json"

    def fit(self, name: str) -> Path:
        """One fit's record."""
        return self._work / "fits" / f"{name}.json"

    def checkpoint(self, name: str) -> Path:
        """One fit's state while it trains."""
        return self._work / "fits" / f"{name}.safetensors"

    def verified(self, name: str) -> Path:
        """The verification of a fit."""
        return self._work / "verify" / f"{name}.json"

    # --- results
    @property
    def params(self) -> Path:
        """The result, `desc-growth_params.json`."""
        return self._anat("desc-growth_params.json")

    @property
    def metrics(self) -> Path:
        """The long table of scores."""
        return self._anat("desc-growth_metrics.tsv")

    @property
    def comparison(self) -> Path:
        """The other networks beside the result."""
        return self._anat("desc-comparison_params.json")

    @property
    def comparison_metrics(self) -> Path:
        """Their long table of scores."""
        return self._anat("desc-comparison_metrics.tsv")

    @property
    def density(self) -> Path:
        """Predicted cell density in the patient's space."""
        return self._anat("desc-fit_celldensity.nii.gz")

    @property
    def uncertain(self) -> dict[str, Path]:
        """5 and 95 % of the density, and the probability of infiltration, in the same space."""
        return {name: self._anat(f"desc-{end}.nii.gz") for name, end in UNCERTAIN.items()}

    @property
    def masks(self) -> dict[str, Path]:
        """Predicted WT and TC in the patient's space."""
        return {r: self._anat(f"label-{r}_desc-predicted_mask.nii.gz") for r in REGIONS}

    @property
    def plans(self) -> dict[str, Path]:
        """Masks of the plans in the same space."""
        return {name: self._anat(f"desc-{name}_mask.nii.gz") for name in PLANS}

    @property
    def planned(self) -> tuple[Path, ...]:
        """All that is made of the plans."""
        made = (*self.plans.values(), self.plan_metrics)
        return tuple(path for file in made for path in (file, sidecar(file)))

    @property
    def plan_metrics(self) -> Path:
        """The long table of the plans."""
        return self._anat("desc-plan_metrics.tsv")

    @property
    def dicom(self) -> Path:
        """Folder of the DICOM objects."""
        return self.root / f"sub-{self.patient}" / "dicom"

    @property
    def dicom_objects(self) -> dict[str, Path]:
        """What lies in it: a SEG, a Parametric Map and an RTSTRUCT."""
        names = ("segmentation", "density", "structures")
        return {name: self.dicom / f"sub-{self.patient}_{name}.dcm" for name in names}

    @property
    def truth(self) -> Path:
        """The truth of the demo patient."""
        return self._anat("desc-truth_params.json")

    @property
    def page(self) -> Path:
        """The report."""
        return self.root / f"sub-{self.patient}.html"

    @property
    def figures(self) -> Path:
        """Folder of the report's figures."""
        return self.root / f"sub-{self.patient}" / "figures"

    # --- the run itself
    @property
    def costs(self) -> Path:
        """Folder of what the steps took."""
        return self._work / "costs"

    @property
    def logs(self) -> Path:
        """Folder of the steps' logs."""
        return self.root / "logs" / f"sub-{self.patient}"

    @property
    def notes(self) -> Path:
        """Folder of what the steps' results were made from."""
        return self.root / "provenance" / f"sub-{self.patient}"

    def note(self, step: str) -> Path:
        """What a step's results were made from, by the name of its log."""
        return self.notes / f"{step}.json"

    @property
    def deliverables(self) -> tuple[Path, ...]:
        """All that a patient gets, but for the comparison."""
        tables = (self.params, self.metrics, self.density, sidecar(self.density))
        masks = [file for mask in self.masks.values() for file in (mask, sidecar(mask))]
        return (*self.maps.values(), self.domain, *tables, *masks, self.figures, self.page)


def arrays(record: Path) -> Path:
    """The arrays beside a record of the same name.

    >>> arrays(Path("fits/bilo_char_inferred_seed0.json")).name
    'bilo_char_inferred_seed0.npz'
    """
    return record.with_suffix(".npz")


def sidecar(file: Path) -> Path:
    """The JSON file beside an image or a table."""
    return file.with_name(file.name.removesuffix(".gz").rsplit(".", 1)[0] + ".json")
