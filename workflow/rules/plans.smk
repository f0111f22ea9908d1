"""Plans of equal volume of whole tumours, for comparison, and DICOM objects: research use only."""


rule plan:
    input:
        **FILES.maps,
        regions=FILES.regions,
        files=files_of_patient,
        later=later_of_patient,
        registration=registered,
        density=FILES.density,
        uncertain=uncertain,
    output:
        **FILES.plans,
        masks_json=[sidecar(mask) for mask in FILES.plans.values()],
        metrics=FILES.plan_metrics,
        metrics_json=sidecar(FILES.plan_metrics),
    log:
        log_of("plan"),
    benchmark:
        cost_of("plan")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 60),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        later=later_contents("recurrence"),
        settings=settings_for("plan", "dimensions", "uncertainty"),
        code=source_hash("gbm.steps.plan"),
    message:
        "Plans of {wildcards.patient} for comparison"
    script:
        "../scripts/step.py"


rule dicom:
    input:
        regions=FILES.regions,
        files=files_of_patient,
        params=FILES.params,
        density=FILES.density,
        masks=[*FILES.masks.values()],
        plans=[*FILES.plans.values()],
    output:
        **FILES.dicom_objects,
    log:
        log_of("dicom"),
    benchmark:
        cost_of("dicom")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 120),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        reference=reference_contents,
        code=source_hash("gbm.steps.dicom"),
    message:
        "DICOM objects of {wildcards.patient}"
    script:
        "../scripts/step.py"
