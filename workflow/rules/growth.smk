"""The growth model: characteristic start, fits, verification, honest references."""


rule characteristic:
    input:
        domain=FILES.domain,
    output:
        FILES.characteristic,
    log:
        log_of("characteristic"),
    benchmark:
        cost_of("characteristic")
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        root=results_root,
        settings=settings_for("dimensions", "growth", "objective", "bounds"),
        code=source_hash("gbm.steps.characteristic"),
    message:
        "Characteristic parameters of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule identifiability:
    input:
        domain=FILES.domain,
        baselines=FILES.baselines,
    output:
        FILES.identifiability,
    log:
        log_of("identifiability"),
    benchmark:
        cost_of("identifiability")
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1500),
        runtime=more(10),
    params:
        root=results_root,
        settings=settings_for("dimensions", "growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.steps.identifiability"),
    message:
        "What one scan of {wildcards.patient} tells"
    script:
        "../scripts/step.py"


rule posterior:
    input:
        domain=FILES.domain,
        baselines=FILES.baselines,
    output:
        json=FILES.posterior,
        npz=arrays(FILES.posterior),
    log:
        log_of("posterior"),
    benchmark:
        cost_of("posterior")
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        root=results_root,
        settings=settings_for(
            "dimensions", "growth", "objective", "bounds", "uncertainty"
        ),
        code=source_hash("gbm.steps.posterior"),
    message:
        "How sure the growth of {wildcards.patient} is"
    script:
        "../scripts/step.py"


rule slices:
    input:
        **FILES.maps,
        regions=FILES.regions,
        files=files_of_patient,
        qc=FILES.tissue,
        domain=FILES.domain,
    output:
        FILES.slices,
    log:
        log_of("slices"),
    benchmark:
        cost_of("slices")
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1500, 25),
        runtime=more(10),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_for(
            "dimensions",
            "slice",
            "tissue",
            "growth",
            "objective",
            "noise",
            "bounds",
            "verify",
        ),
        code=source_hash("gbm.steps.slices"),
    message:
        "Neighbouring slices of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule slice_fit:
    input:
        **FILES.maps,
        regions=FILES.regions,
        files=files_of_patient,
        qc=FILES.tissue,
    output:
        FILES.slice_fit,
    log:
        log_of("slice_fit"),
    benchmark:
        cost_of("slice_fit")
    priority: in_turn
    conda:
        "../envs/imaging.yaml"
    threads: 1
    resources:
        mem_mb=more(1500, 25),
        runtime=more(10),
    params:
        root=results_root,
        file=patient_file,
        patient=patient_contents,
        settings=settings_for(
            "dimensions", "slice", "tissue", "growth", "objective", "bounds", "verify"
        ),
        code=source_hash("gbm.steps.slice_fit"),
    message:
        "What one slice of {wildcards.patient} says by itself"
    script:
        "../scripts/step.py"


rule fit:
    input:
        domain=FILES.domain,
        characteristic=FILES.characteristic,
        reference=reference,
    output:
        json=FILES.fit("{fit}"),
        npz=arrays(FILES.fit("{fit}")),
    log:
        log_of("fit_{fit}"),
    benchmark:
        cost_of("fit_{fit}")
    priority: in_turn
    conda:
        "../envs/fit.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(30),
    params:
        root=results_root,
        settings=settings_for(
            "dimensions", "growth", "objective", "bounds", "fit", "verify"
        ),
        code=source_hash("gbm.steps.fit"),
    message:
        "Fitting {wildcards.patient}: {wildcards.fit}"
    script:
        "../scripts/step.py"


rule verify:
    input:
        domain=FILES.domain,
        reference=reference,
        json=FILES.fit("{fit}"),
        npz=arrays(FILES.fit("{fit}")),
    output:
        json=FILES.verified("{fit}"),
        npz=arrays(FILES.verified("{fit}")),
    log:
        log_of("verify_{fit}"),
    benchmark:
        cost_of("verify_{fit}")
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        root=results_root,
        settings=settings_for("dimensions", "growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.steps.verify"),
    message:
        "Verifying {wildcards.patient}: {wildcards.fit}"
    script:
        "../scripts/step.py"


rule baselines:
    input:
        domain=FILES.domain,
        characteristic=FILES.characteristic,
    output:
        json=FILES.baselines,
        npz=arrays(FILES.baselines),
    log:
        log_of("baselines"),
    benchmark:
        cost_of("baselines")
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(10),
    params:
        root=results_root,
        settings=settings_for("dimensions", "growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.steps.baselines"),
    message:
        "Disc, characteristic solution and direct fit of {wildcards.patient}"
    script:
        "../scripts/step.py"
