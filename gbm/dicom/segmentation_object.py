"""A DICOM SEG and a Parametric Map in the frame and slices of a series, by highdicom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from gbm.dicom.made_by import MANUFACTURER, MODEL, NOT_CLINICAL, Drawn, Identity
from gbm.version import __version__

CELLS = Code("cell-density", "99BILO", "Tumor cell density, fraction of the carrying capacity")


def segmentation(
    reference: Sequence[Dataset], drawn: Sequence[Drawn], identity: Identity
) -> Dataset:
    """A SEG of one bit a segment; segments may overlap.

    Parameters
    ----------
    reference : sequence of Dataset
        The slices of the series in their order, see `gbm.dicom.reference.referred`; their patient
        and study are taken over.
    drawn : sequence of Drawn
        One segment each; an empty mask stays a segment of empty frames.
    identity : Identity
    """
    import highdicom as hd

    described = []
    for number, each in enumerate(drawn, 1):
        given = each.algorithm is None
        described.append(
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=each.label,
                segmented_property_category=each.code[0],
                segmented_property_type=each.code[1],
                algorithm_type="SEMIAUTOMATIC" if given else "AUTOMATIC",
                algorithm_identification=hd.AlgorithmIdentificationSequence(
                    name=each.algorithm or "segmentation as given with the patient",
                    family=codes.DCM.MorphologicalOperations,
                    version="unknown" if given else __version__,
                    source=MANUFACTURER,
                ),
                tracking_uid=identity.uid(f"tracking {each.name}"),
                tracking_id=each.label,
            )
        )
    pixels = np.stack([each.mask.transpose(2, 1, 0) for each in drawn], axis=-1)
    return hd.seg.Segmentation(
        reference,
        pixels.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        content_label="RESEARCH_ONLY",
        content_description=NOT_CLINICAL,
        omit_empty_frames=False,
        **_of_us(identity, "SEG", 901),
    )


def parametric_map(
    reference: Sequence[Dataset], density: np.ndarray, identity: Identity
) -> Dataset:
    """A Parametric Map of a density (columns, rows, slices), float32 in [0, 1]."""
    import highdicom as hd

    mapping = hd.pm.RealWorldValueMapping(
        lut_label="cell density",
        lut_explanation="tumour cell density over carrying capacity",
        unit=codes.UCUM.NoUnits,
        value_range=(0.0, 1.0),
        slope=1,
        intercept=0,
        quantity_definition=CELLS,
    )
    made = hd.pm.ParametricMap(
        reference,
        np.ascontiguousarray(density.transpose(2, 1, 0), dtype=np.float32),
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[hd.VOILUTTransformation(window_center=0.5, window_width=1.0)],
        content_label="RESEARCH_ONLY",
        content_description=NOT_CLINICAL,
        **_of_us(identity, "PM", 902),
    )
    made.BodyPartExamined = "BRAIN"
    return made


def _of_us(identity: Identity, kind: str, number: int) -> dict[str, Any]:
    """Identifiers, and the program as the equipment."""
    return {
        "series_instance_uid": identity.uid(f"series {kind}"),
        "series_number": number,
        "sop_instance_uid": identity.uid(f"object {kind}"),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": __version__,
        "device_serial_number": "none",
        "series_description": "RESEARCH ONLY, predicted by bilo-gbm",
    }
