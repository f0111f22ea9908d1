"""From the patient's files to the two-dimensional problem."""

REGISTRATION = [
    "t1.nii.gz",
    "wm.nii.gz",
    "gm.nii.gz",
    "csf.nii.gz",
    "image.nii.gz",
    "registration.json",
]


rule check:
    input:
        file=patient_file,
        images=images,
    output:
        f"{WORK}/check.json",
    log:
        f"{LOGS}/sub-{{patient}}/check.log",
    benchmark:
        f"{WORK}/costs/check.tsv"
    priority: FIRST
    # a faulty file stays faulty
    retries: 0
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        code=source_hash("gbm.steps.check"),
    message:
        "Checking the files of {wildcards.patient}"
    script:
        "../scripts/check.py"


rule register:
    input:
        check=f"{WORK}/check.json",
        file=patient_file,
        images=images,
    output:
        **{name.split(".")[0]: f"{WORK}/registration/{name}" for name in REGISTRATION},
    log:
        f"{LOGS}/sub-{{patient}}/register.log",
    benchmark:
        f"{WORK}/costs/register.tsv"
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    # sums of several threads differ in their last digits; patients run beside each other instead
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(15),
    params:
        settings=settings_for("tissue"),
        seed=0,
        code=source_hash("gbm.steps.register"),
    message:
        "Registering the atlas to {wildcards.patient}"
    script:
        "../scripts/register.py"


rule tissue:
    input:
        check=f"{WORK}/check.json",
        file=patient_file,
        images=images,
        registration=registered,
    output:
        wm=f"{ANAT}_label-WM_probseg.nii.gz",
        gm=f"{ANAT}_label-GM_probseg.nii.gz",
        csf=f"{ANAT}_label-CSF_probseg.nii.gz",
        qc=f"{WORK}/tissue.json",
    log:
        f"{LOGS}/sub-{{patient}}/tissue.log",
    benchmark:
        f"{WORK}/costs/tissue.tsv"
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        settings=settings_for("slice", "tissue"),
        code=source_hash("gbm.steps.tissue"),
    message:
        "Tissue maps of {wildcards.patient}"
    script:
        "../scripts/tissue.py"


rule domain:
    input:
        check=f"{WORK}/check.json",
        file=patient_file,
        images=images,
        registration=registered,
        wm=f"{ANAT}_label-WM_probseg.nii.gz",
        gm=f"{ANAT}_label-GM_probseg.nii.gz",
        csf=f"{ANAT}_label-CSF_probseg.nii.gz",
        qc=f"{WORK}/tissue.json",
    output:
        domain=f"{ANAT}_desc-domain.npz",
        quality=f"{WORK}/quality.json",
    log:
        f"{LOGS}/sub-{{patient}}/domain.log",
    benchmark:
        f"{WORK}/costs/domain.tsv"
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        settings=settings_for("slice", "tissue"),
        code=source_hash("gbm.steps.domain"),
    message:
        "The 2-D problem of {wildcards.patient}"
    script:
        "../scripts/domain.py"
