"""What the numbers of one patient say, in sentences.

A growth model that does not beat a disc, or a network that does not beat its own solver, is a
finding; the page says it in words and does not leave it to the reader to compare columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gbm.report.formatting import num, percent, relation, whole_seconds
from gbm.report.words import WORDS
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult

REGION_NAMES = {"WT": "whole tumour", "TC": "tumour core"}
EQUAL_DICE = 0.005
"""DICE differences below this are called equal."""

CLEAR_GAP = 0.01
"""A network whose DICE exceeds its solver's by more than this has bent the equation."""

FITTED = {"bilo": "BiLO", "direct": "the direct fit"}
"""The headline in a sentence, by its method."""


A_SLICE = (
    "A slice is not the tumour. This fit is of one slice. On eight real heads λ of the slice was "
    "between 13 % below and 4.9 times that of the whole tumour, 58 % above it at the median, and "
    "its ρT up to 37 % below, although its outlines fitted as well; on phantoms grown in three "
    "dimensions its λ was 15 % off at the median and its ρT 19 %, those of the whole 5 % and 3 %."
)
"""What a planar fit is worth. Phantoms: no noise, true tissue; heads: BraTS; see docs/model.md."""
WHOLE_TUMOUR = (
    "The whole tumour is fitted by the same command with --set dimensions=3 (of snakemake: "
    "--config dimensions=3), in a few minutes."
)


@dataclass(frozen=True)
class Finding:
    """One sentence with its weight: `good`, `note` or `bad`."""

    kind: str
    text: str


def findings(result: PatientResult, metrics: Metrics) -> list[Finding]:
    """All findings on one patient, the most important first.

    Parameters
    ----------
    result : PatientResult
        `desc-growth_params.json`.
    metrics : mapping
        `desc-growth_metrics.tsv` as model -> region -> metric -> value.
    """
    found = [*against_references(result, metrics), *slice_and_tumour(result)]
    if result.method == "direct":
        found.append(without_network(result))
    else:
        found += [*agreement(result), *against_direct(result), *overfitting(metrics)]
    return in_order(found)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """The most important first."""
    weight = {"bad": 0, "note": 1, "good": 2}
    return sorted(found, key=lambda finding: weight[finding.kind])


def without_network(result: PatientResult) -> Finding:
    """That there is no network, where a reader looks for its error."""
    return Finding(
        "note",
        "No network was trained (fit.method: direct): parameters, density and outlines are those "
        "of the direct fit, the segmentation objective minimised with the finite-volume solver "
        f"itself in {whole_seconds(result.seconds)} s.",
    )


def slice_and_tumour(result: PatientResult) -> list[Finding]:
    """That a slice is not the tumour; of a volume, what one slice alone would have said."""
    alone = result.slice_fit
    if result.dimensions == 2 or alone is None:
        return [Finding("note", f"{A_SLICE} {WHOLE_TUMOUR}")] if result.dimensions == 2 else []
    parts = [
        f"λ = {num(alone.lambda_mm, 1)} mm ({relation(alone.lambda_mm, result.lambda_mm.value)})",
        f"ρT = {num(alone.rhoT, 1)} ({relation(alone.rhoT, result.rhoT.value)})",
    ]
    unsure = "" if alone.converged else f"; its fit did not settle ({'; '.join(alone.warnings)})"
    return [
        Finding(
            "note",
            f"One slice alone would have said something else: a direct fit of {alone.plane} slice "
            f"{alone.slice} gives {' and '.join(parts)} against "
            f"λ = {num(result.lambda_mm.value, 1)} mm and ρT = {num(result.rhoT.value, 1)} of the "
            f"whole tumour{unsure}.",
        )
    ]


def agreement(result: PatientResult) -> list[Finding]:
    """Whether the network solves the equation at the parameters it found."""
    measured = result.relative_error_u
    if measured is None or measured.final is None:
        return [
            Finding("bad", "The network could not be compared with the finite-volume solution.")
        ]
    error, limit = measured.final, result.settings.verify.max_disagreement
    wide = percent(measured.final_with_interface)
    text = (
        f"At the inferred parameters the network and the finite-volume solution of the same "
        f"equation differ by {100 * error:.2g} % (relative L2 over the tissue, φ > 1/2, at the "
        f"time of the scan; {wide} with the walls, where φ falls to 0)"
    )
    if error > limit:
        return [Finding("bad", f"{text}: too much. Use the finite-volume rows only.")]
    return [Finding("good", f"{text}: the network solves the equation it was fitted with.")]


def against_references(result: PatientResult, metrics: Metrics) -> list[Finding]:
    """Whether a simple reference scores higher than the headline's verified solution."""
    words = WORDS[result.dimensions]
    references = {
        "disc": f"{words.plain_disc} at the centre of the core",
        "characteristic_fdm": "the unfitted characteristic start",
    }
    return [
        finding
        for model, name in references.items()
        for finding in against(metrics, model, name, result)
    ]


def against(metrics: Metrics, model: str, name: str, result: PatientResult) -> list[Finding]:
    """Whether one of them does."""
    fitted = FITTED[result.method]
    short = WORDS[result.dimensions].disc if model == "disc" else "start"
    beaten, equal, ahead = [], [], []
    for region in REGION_NAMES:
        ours, theirs = dice_of(metrics, result.model, region), dice_of(metrics, model, region)
        if ours is None or theirs is None:
            continue
        text = f"{REGION_NAMES[region]}: {short} {theirs:.3f}, {fitted} {ours:.3f}"
        if theirs > ours + EQUAL_DICE:
            beaten.append(text)
        elif ours > theirs + EQUAL_DICE:
            ahead.append(text)
        else:
            equal.append(text)
    everything = "; ".join(beaten + equal + ahead)
    if beaten:
        return [
            Finding(
                "bad",
                f"A simple baseline beats {fitted}: {name} overlaps better with the segmentation "
                f"than the fitted growth model{' in part' if equal or ahead else ''} (DICE "
                f"{everything}). The overlap is then no evidence for the growth model on this "
                f"patient.",
            )
        ]
    if equal:
        part = "in part " if ahead else ""
        text = f"The fitted growth model is {part}hardly better than {name} (DICE {everything})."
        return [Finding("note", text)]
    if ahead:
        text = f"The fitted growth model overlaps better than {name} (DICE {everything})."
        return [Finding("good", text)]
    return []


def against_direct(result: PatientResult) -> list[Finding]:
    """BiLO beside the classical fit of the same objective, of a volume on the cells of both."""
    ours, theirs = result.objective.fdm, result.objective.direct_fit
    start, grid, scale = result.objective.characteristic, "", result.settings.objective.scale
    found, n = [], scale.decimals
    if ours is not None and start is not None and ours > start:
        text = f"The fit is worse than its own start: objective {ours:.{n}f} against {start:.{n}f}."
        found.append(Finding("bad", text))
    if result.objective_network_grid is not None and result.grid_mm is not None:
        known, cells = result.objective_network_grid, result.grid_mm
        grid = (
            f", on the {cells.network:g} mm cells that the network learns on; on "
            f"{cells.reported:g} mm {num(ours, n)} against {num(theirs, n)}"
        )
        ours, theirs = known.fdm, known.direct_fit
    if ours is None or theirs is None:
        return found
    both = f"objective {ours:.{n}f} (BiLO, by finite volumes) against {theirs:.{n}f} (direct fit)"
    both += grid
    seconds = result.baselines.direct_fdm.seconds
    speed = (
        f" The direct fit took {whole_seconds(seconds)} s, BiLO {whole_seconds(result.seconds)} s."
    )
    if ours > theirs + scale.margin:
        text = f"The direct finite-volume fit beats BiLO: {both}.{speed}"
        found.append(Finding("bad", text))
    elif ours < theirs - scale.margin:
        text = f"BiLO found a better optimum than the direct finite-volume fit: {both}.{speed}"
        found.append(Finding("note", text))
    else:
        text = f"BiLO reaches the optimum of the direct finite-volume fit: {both}.{speed}"
        found.append(Finding("good", text))
    return found


def overfitting(metrics: Metrics, kind: str = "bilo", name: str = "BiLO") -> list[Finding]:
    """Whether a network scores higher than the solver at its own parameters.

    Its rows of the metrics table are `<kind>_network` and `<kind>_fdm`. The headline ought not to.
    """
    gaps = []
    for region in REGION_NAMES:
        network = dice_of(metrics, f"{kind}_network", region)
        solver = dice_of(metrics, f"{kind}_fdm", region)
        if network is not None and solver is not None and network - solver > CLEAR_GAP:
            gaps.append(f"{REGION_NAMES[region]} {network:.3f} against {solver:.3f}")
    if not gaps:
        return []
    text = (
        f"{name} over-fits: its network scores higher than the equation solved at its own "
        f"parameters (DICE {', '.join(gaps)}). The difference is bought by breaking the equation."
    )
    return [Finding("bad" if kind == "bilo" else "note", text)]
