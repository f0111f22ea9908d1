"""The built-in demo patient."""

import yaml

DEMO_FILE = BASE / "workflow/patients/demo.yaml"
_demo = yaml.safe_load(DEMO_FILE.read_text(encoding="utf-8"))["patient"]
_demo_paths = {
    "segmentation": _demo["segmentation"]["path"],
    "t1": _demo["images"]["t1"],
    "t1c": _demo["images"]["t1c"],
}
DEMO = {name: shown(DEMO_FILE.parent / path) for name, path in _demo_paths.items()}
DEMO_IMAGES = set(DEMO.values())
DEMO_TRUTH = COHORT.of("demo").truth


rule demo:
    output:
        **DEMO,
        truth=DEMO_TRUTH,
    log:
        COHORT.of("demo").logs / "demo.log",
    benchmark:
        COHORT.of("demo").costs / "demo.tsv"
    priority: FIRST + 1
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        seed=0,
        code=source_hash("gbm.steps.demo"),
    message:
        "Making the demo patient: a tumour of known parameters in a deformed MNI152 head"
    script:
        "../scripts/demo.py"
