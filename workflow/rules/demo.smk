"""The built-in demo patients: one grown in a plane, one in space."""

import yaml


def demo_images(file):
    """Paths of the images that a demo's patient file names."""
    patient = yaml.safe_load(file.read_text(encoding="utf-8"))["patient"]
    named = {"segmentation": patient["segmentation"]["path"], **patient["images"]}
    return {name: shown(file.parent / path) for name, path in named.items()}


DEMOS = {name: demo_images(file) for name, file in DEMO_FILES.items()}
DEMO_IMAGES = {path for images in DEMOS.values() for path in images.values()}


for name, images_made in DEMOS.items():

    rule:
        name:
            name
        output:
            **images_made,
            truth=COHORT.of(name).truth,
        log:
            COHORT.of(name).logs / "demo.log",
        benchmark:
            COHORT.of(name).costs / "demo.tsv"
        priority: FIRST + 1
        conda:
            "../envs/imaging.yaml"
        threads: 1
        resources:
            mem_mb=more(4000 if name == "demo3d" else 1000),
            runtime=more(20 if name == "demo3d" else 5),
        params:
            seed=0,
            dimensions=3 if name == "demo3d" else 2,
            code=source_hash("gbm.steps.demo"),
        message:
            "Making a demo patient: a tumour of known parameters in a deformed MNI152 head"
        script:
            "../scripts/demo.py"
