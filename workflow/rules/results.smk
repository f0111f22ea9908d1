"""What a patient and a cohort get: parameters, metrics, images, report, cohort page."""

MASKS = {
    region: f"{ANAT}_label-{region}_desc-predicted_mask.nii.gz"
    for region in ("WT", "TC")
}


rule metrics:
    input:
        check=f"{WORK}/check.json",
        file=patient_file,
        images=images,
        domain=f"{ANAT}_desc-domain.npz",
        quality=f"{WORK}/quality.json",
        characteristic=f"{WORK}/characteristic.json",
        baselines=f"{WORK}/baselines.json",
        fits=fits(f"{WORK}/fits/{{fit}}.json"),
        verifications=fits(f"{WORK}/verify/{{fit}}.json"),
    output:
        params=f"{ANAT}_desc-growth_params.json",
        metrics=f"{ANAT}_desc-growth_metrics.tsv",
    log:
        f"{LOGS}/sub-{{patient}}/metrics.log",
    benchmark:
        f"{WORK}/costs/metrics.tsv"
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        settings=settings_for(),
        code=source_hash("gbm.steps.metrics"),
    message:
        "Parameters and metrics of {wildcards.patient}"
    script:
        "../scripts/metrics.py"


rule export:
    input:
        file=patient_file,
        images=images,
        domain=f"{ANAT}_desc-domain.npz",
        params=f"{ANAT}_desc-growth_params.json",
        verification=headline(f"{WORK}/verify/{{fit}}.npz"),
    output:
        **MASKS,
        density=f"{ANAT}_desc-fit_celldensity.nii.gz",
        density_json=f"{ANAT}_desc-fit_celldensity.json",
    log:
        f"{LOGS}/sub-{{patient}}/export.log",
    benchmark:
        f"{WORK}/costs/export.tsv"
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        code=source_hash("gbm.steps.export"),
    message:
        "Predictions of {wildcards.patient} in the patient's own space"
    script:
        "../scripts/export.py"


rule report:
    input:
        file=patient_file,
        images=images,
        domain=f"{ANAT}_desc-domain.npz",
        params=f"{ANAT}_desc-growth_params.json",
        metrics=f"{ANAT}_desc-growth_metrics.tsv",
        fits=fits(f"{WORK}/fits/{{fit}}.json"),
        arrays=fits(f"{WORK}/fits/{{fit}}.npz"),
        verifications=fits(f"{WORK}/verify/{{fit}}.npz"),
        exported=f"{ANAT}_desc-fit_celldensity.nii.gz",
        wm=f"{ANAT}_label-WM_probseg.nii.gz",
        gm=f"{ANAT}_label-GM_probseg.nii.gz",
        csf=f"{ANAT}_label-CSF_probseg.nii.gz",
        registration=registered,
        truth=truth,
    output:
        html=report(
            f"{GBM}/sub-{{patient}}.html",
            caption="../report/patient.rst",
            category="Patients",
        ),
        figures=directory(f"{GBM}/sub-{{patient}}/figures"),
    log:
        f"{LOGS}/sub-{{patient}}/report.log",
    benchmark:
        f"{WORK}/costs/report.tsv"
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        code=source_hash("gbm.steps.report", "gbm.report"),
    message:
        "Report of {wildcards.patient}"
    script:
        "../scripts/report.py"


rule cohort:
    input:
        params=[
            f"{GBM}/sub-{key}/anat/sub-{key}_desc-growth_params.json"
            for key in PATIENTS
        ],
        reports=[f"{GBM}/sub-{key}.html" for key in PATIENTS],
    output:
        html=report(
            f"{GBM}/cohort.html", caption="../report/cohort.rst", category="Cohort"
        ),
        metrics=f"{GBM}/cohort_metrics.tsv",
        participants=f"{GBM}/participants.tsv",
        columns=f"{GBM}/participants.json",
        description=f"{GBM}/dataset_description.json",
        ignore=f"{GBM}/.bidsignore",
    log:
        f"{LOGS}/cohort.log",
    benchmark:
        f"{GBM}/work/costs/cohort.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        patients=patient_files(),
        code=source_hash("gbm.steps.cohort"),
    message:
        "Cohort page and tables"
    script:
        "../scripts/cohort.py"


rule costs:
    input:
        reports=[f"{GBM}/sub-{key}.html" for key in PATIENTS],
    output:
        f"{GBM}/costs.tsv",
    log:
        f"{LOGS}/costs.log",
    benchmark:
        f"{GBM}/work/costs/costs.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        folders=[f"{GBM}/work/sub-{key}/costs" for key in PATIENTS],
        code=source_hash("gbm.steps.costs"),
    message:
        "What the steps took"
    script:
        "../scripts/costs.py"
