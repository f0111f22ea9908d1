"""The growth model: characteristic start, fits, verification, honest references."""


rule characteristic:
    message:
        "Characteristic parameters of {wildcards.patient}"
    input:
        domain=f"{ANAT}_desc-domain.npz",
    output:
        f"{WORK}/characteristic.json",
    log:
        f"{LOGS}/sub-{{patient}}/characteristic.log",
    params:
        settings=settings_for("growth", "objective", "bounds"),
        code=source_hash("gbm.characteristic"),
    threads: 1
    resources:
        mem_mb=1000,
    priority: 20
    conda:
        "../envs/growth.yaml"
    script:
        "../scripts/characteristic.py"


rule fit:
    message:
        "Fitting {wildcards.patient}: {wildcards.fit}"
    input:
        domain=f"{ANAT}_desc-domain.npz",
        characteristic=f"{WORK}/characteristic.json",
    output:
        json=f"{WORK}/fits/{{fit}}.json",
        npz=f"{WORK}/fits/{{fit}}.npz",
    log:
        f"{LOGS}/sub-{{patient}}/fit_{{fit}}.log",
    params:
        settings=settings_for("growth", "objective", "bounds", "fit", "verify"),
        checkpoint=f"{WORK}/fits/{{fit}}.safetensors",
        code=source_hash("gbm.fit"),
    threads: 1
    resources:
        mem_mb=2000,
    priority: 10
    conda:
        "../envs/fit.yaml"
    script:
        "../scripts/fit.py"


rule verify:
    message:
        "Verifying {wildcards.patient}: {wildcards.fit}"
    input:
        domain=f"{ANAT}_desc-domain.npz",
        json=f"{WORK}/fits/{{fit}}.json",
        npz=f"{WORK}/fits/{{fit}}.npz",
    output:
        json=f"{WORK}/verify/{{fit}}.json",
        npz=f"{WORK}/verify/{{fit}}.npz",
    log:
        f"{LOGS}/sub-{{patient}}/verify_{{fit}}.log",
    params:
        settings=settings_for("growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.verify"),
    threads: 1
    resources:
        mem_mb=1000,
    conda:
        "../envs/growth.yaml"
    script:
        "../scripts/verify.py"


rule baselines:
    message:
        "Disc, characteristic solution and direct fit of {wildcards.patient}"
    input:
        domain=f"{ANAT}_desc-domain.npz",
        characteristic=f"{WORK}/characteristic.json",
    output:
        json=f"{WORK}/baselines.json",
        npz=f"{WORK}/baselines.npz",
    log:
        f"{LOGS}/sub-{{patient}}/baselines.log",
    params:
        settings=settings_for("growth", "objective", "bounds", "verify"),
        seed=0,
        code=source_hash("gbm.direct_fit", "gbm.disc", "gbm.metrics"),
    threads: 1
    resources:
        mem_mb=1000,
    priority: 10
    conda:
        "../envs/growth.yaml"
    script:
        "../scripts/baselines.py"
