"""From the patient's files to the two-dimensional problem."""

REGISTRATION = ["t1.nii.gz", "wm.nii.gz", "gm.nii.gz", "csf.nii.gz", "registration.json"]


rule check:
    message:
        "Checking the files of {wildcards.patient}"
    input:
        file=patient_file,
        images=images,
    output:
        f"{WORK}/check.json",
    log:
        f"{LOGS}/sub-{{patient}}/check.log",
    params:
        code=source_hash("gbm.check"),
    threads: 1
    resources:
        mem_mb=2000,
    priority: 100
    conda:
        "../envs/imaging.yaml"
    script:
        "../scripts/check.py"


rule register:
    message:
        "Registering the atlas to {wildcards.patient}"
    input:
        check=f"{WORK}/check.json",
        file=patient_file,
        images=images,
    output:
        **{name.split(".")[0]: f"{WORK}/registration/{name}" for name in REGISTRATION},
    log:
        f"{LOGS}/sub-{{patient}}/register.log",
    params:
        settings=settings_for("tissue"),
        seed=0,
        code=source_hash("gbm.register"),
    threads: 2
    resources:
        mem_mb=3000,
    priority: 50
    conda:
        "../envs/imaging.yaml"
    script:
        "../scripts/register.py"


rule tissue:
    message:
        "Tissue maps of {wildcards.patient}"
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
    params:
        settings=settings_for("tissue"),
        seed=0,
        code=source_hash("gbm.tissue"),
    threads: 1
    resources:
        mem_mb=3000,
    priority: 40
    conda:
        "../envs/imaging.yaml"
    script:
        "../scripts/tissue.py"


rule domain:
    message:
        "The 2-D problem of {wildcards.patient}"
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
    params:
        settings=settings_for("slice", "tissue", "gates"),
        code=source_hash("gbm.domain", "gbm.quality"),
    threads: 1
    resources:
        mem_mb=2000,
    priority: 30
    conda:
        "../envs/imaging.yaml"
    script:
        "../scripts/domain.py"
