"""What a patient and a cohort get: parameters, metrics, images, report, cohort page."""


rule metrics:
    input:
        check=FILES.check,
        files=files_of_patient,
        domain=FILES.domain,
        quality=FILES.quality,
        characteristic=FILES.characteristic,
        baselines=FILES.baselines,
        identifiability=FILES.identifiability,
        slice_fit=slice_fit,
        posterior=posterior,
        fits=fits(FILES.fit),
        verifications=fits(FILES.verified),
    output:
        params=FILES.params,
        metrics=FILES.metrics,
    log:
        log_of("metrics"),
    benchmark:
        cost_of("metrics")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_for(),
        code=source_hash("gbm.steps.metrics"),
    message:
        "Parameters and metrics of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule export:
    input:
        files=files_of_patient,
        domain=FILES.domain,
        params=FILES.params,
        prediction=prediction,
    output:
        **FILES.masks,
        masks_json=[sidecar(mask) for mask in FILES.masks.values()],
        density=FILES.density,
        density_json=sidecar(FILES.density),
    log:
        log_of("export"),
    benchmark:
        cost_of("export")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 25),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        code=source_hash("gbm.steps.export"),
    message:
        "Predictions of {wildcards.patient} in the patient's own space"
    script:
        "../scripts/step.py"


rule export_uncertainty:
    input:
        files=files_of_patient,
        domain=FILES.domain,
        posterior=[FILES.posterior, arrays(FILES.posterior)],
    output:
        **FILES.uncertain,
        low_json=sidecar(FILES.uncertain["low"]),
        high_json=sidecar(FILES.uncertain["high"]),
        infiltration_json=sidecar(FILES.uncertain["infiltration"]),
    log:
        log_of("export_uncertainty"),
    benchmark:
        cost_of("export_uncertainty")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 25),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_for("dimensions", "uncertainty"),
        code=source_hash("gbm.steps.export_uncertainty"),
    message:
        "Where {wildcards.patient} is infiltrated, and how probably"
    script:
        "../scripts/step.py"


rule report:
    input:
        **FILES.maps,
        regions=FILES.regions,
        files=files_of_patient,
        domain=FILES.domain,
        params=FILES.params,
        metrics=FILES.metrics,
        fits=fits(FILES.fit),
        arrays=fits(arrays_of(FILES.fit)),
        prediction=prediction,
        exported=FILES.density,
        posterior=posterior,
        uncertain=uncertain,
        plans=plans_made,
        later=later_of_patient,
        registration=registered,
        truth=truth,
    output:
        html=report(
            FILES.page,
            caption="../report/patient.rst",
            category="Patients",
        ),
        figures=directory(FILES.figures),
    log:
        log_of("report"),
    benchmark:
        cost_of("report")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(2000, 40),
        runtime=more(10),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        later=later_contents("recurrence"),
        code=source_hash("gbm.steps.report", "gbm.report"),
    message:
        "Report of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule cohort:
    input:
        plan=page_as_planned("cohort"),
        params=[COHORT.of(key).params for key in PATIENTS],
        reports=[COHORT.of(key).page for key in PATIENTS],
    output:
        html=report(COHORT.page, caption="../report/cohort.rst", category="Cohort"),
        metrics=COHORT.metrics,
        participants=COHORT.participants,
        columns=COHORT.columns,
        description=COHORT.description,
        ignore=COHORT.ignore,
        given=COHORT.given,
    log:
        COHORT.logs / "cohort.log",
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
        plans=plans(),
        code=source_hash("gbm.steps.cohort"),
    message:
        "Cohort page and tables"
    script:
        "../scripts/cohort.py"


rule costs:
    input:
        reports=[COHORT.of(key).page for key in PATIENTS],
    output:
        COHORT.costs,
    log:
        COHORT.logs / "costs.log",
    benchmark:
        f"{GBM}/work/costs/costs.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        folders=[COHORT.of(key).costs for key in PATIENTS],
        code=source_hash("gbm.steps.costs"),
    message:
        "What the steps took"
    script:
        "../scripts/costs.py"
