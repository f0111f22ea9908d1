"""The built-in demo patients: one grown in a plane, one in space."""

import yaml


def demo_files(name):
    """Paths of the images that a demo's patient file names, and of its copy beside them."""
    patient = yaml.safe_load(DEMO_FILES[name].read_text(encoding="utf-8"))["patient"]
    named = {"segmentation": patient["segmentation"]["path"], **patient["images"]}
    named["patient"] = DEMO_FILES[name].name
    return {key: shown(demo_folder(name) / file) for key, file in named.items()}


DEMOS = {name: demo_files(name) for name in DEMO_FILES}
DEMO_MADE = {path for files in DEMOS.values() for path in files.values()}


for dimensions, name in DEMO_NAMES.items():

    rule:
        name:
            name
        output:
            **DEMOS[name],
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
            mem_mb=more(4000 if dimensions == 3 else 1000),
            runtime=more(20 if dimensions == 3 else 5),
        params:
            seed=0,
            dimensions=dimensions,
            patient=DEMO_FILES[name].read_text(encoding="utf-8"),
            code=source_hash("gbm.steps.demo"),
        message:
            "Making a demo patient: a tumour of known parameters in a deformed MNI152 head"
        script:
            "../scripts/demo.py"
