"""From the patient's files to the problem that is fitted."""


rule check:
    input:
        plan=as_planned,
        files=files_of_patient,
    output:
        check=FILES.check,
        regions=FILES.regions,
    log:
        log_of("check"),
    benchmark:
        cost_of("check")
    priority: FIRST
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 25),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        fault=fault,
        patient=patient_contents,
        atlas=atlas_contents,
        code=source_hash("gbm.steps.check"),
    message:
        "Checking the files of {wildcards.patient}"
    script:
        "../scripts/check.py"


rule register:
    input:
        regions=FILES.regions,
        files=files_of_patient,
    output:
        **FILES.registered,
        registration=FILES.registration,
    log:
        log_of("register"),
    benchmark:
        cost_of("register")
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    # sums of several threads differ in their last digits; patients run beside each other instead
    threads: 1
    resources:
        mem_mb=more(2000, 25),
        runtime=more(15),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        atlas=atlas_contents,
        settings=settings_for("tissue"),
        code=source_hash("gbm.steps.register"),
    message:
        "Registering the atlas to {wildcards.patient}"
    script:
        "../scripts/step.py"


rule tissue:
    input:
        regions=FILES.regions,
        files=files_of_patient,
        registration=registered,
    output:
        **FILES.maps,
        qc=FILES.tissue,
    log:
        log_of("tissue"),
    benchmark:
        cost_of("tissue")
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(2000, 25),
        runtime=more(10),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_for("slice", "tissue"),
        code=source_hash("gbm.steps.tissue"),
    message:
        "Tissue maps of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule domain:
    input:
        **FILES.maps,
        regions=FILES.regions,
        files=files_of_patient,
        registration=registered,
        qc=FILES.tissue,
    output:
        domain=FILES.domain,
        quality=FILES.quality,
    log:
        log_of("domain"),
    benchmark:
        cost_of("domain")
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1000, 25),
        runtime=more(5),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_of_domain,
        code=source_hash("gbm.steps.domain"),
    message:
        "The problem of {wildcards.patient}"
    script:
        "../scripts/step.py"
