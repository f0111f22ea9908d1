"""The growth model: characteristic start, fits, verification, honest references."""


rule characteristic:
    input:
        domain=f"{ANAT}_desc-domain.npz",
    output:
        f"{WORK}/characteristic.json",
    log:
        f"{LOGS}/sub-{{patient}}/characteristic.log",
    benchmark:
        f"{WORK}/costs/characteristic.tsv"
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        settings=settings_for("growth", "objective", "bounds"),
        code=source_hash("gbm.steps.characteristic"),
    message:
        "Characteristic parameters of {wildcards.patient}"
    script:
        "../scripts/characteristic.py"


rule fit:
    input:
        domain=f"{ANAT}_desc-domain.npz",
        characteristic=f"{WORK}/characteristic.json",
        baselines=f"{WORK}/baselines.json",
    output:
        json=f"{WORK}/fits/{{fit}}.json",
        npz=f"{WORK}/fits/{{fit}}.npz",
    log:
        f"{LOGS}/sub-{{patient}}/fit_{{fit}}.log",
    benchmark:
        f"{WORK}/costs/fit_{{fit}}.tsv"
    priority: in_turn
    conda:
        "../envs/fit.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(30),
    params:
        settings=settings_for("growth", "objective", "bounds", "fit", "verify"),
        checkpoint=f"{WORK}/fits/{{fit}}.safetensors",
        code=source_hash("gbm.steps.fit"),
    message:
        "Fitting {wildcards.patient}: {wildcards.fit}"
    script:
        "../scripts/fit.py"


rule verify:
    input:
        domain=f"{ANAT}_desc-domain.npz",
        json=f"{WORK}/fits/{{fit}}.json",
        npz=f"{WORK}/fits/{{fit}}.npz",
    output:
        json=f"{WORK}/verify/{{fit}}.json",
        npz=f"{WORK}/verify/{{fit}}.npz",
    log:
        f"{LOGS}/sub-{{patient}}/verify_{{fit}}.log",
    benchmark:
        f"{WORK}/costs/verify_{{fit}}.tsv"
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        settings=settings_for("growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.steps.verify"),
    message:
        "Verifying {wildcards.patient}: {wildcards.fit}"
    script:
        "../scripts/verify.py"


rule baselines:
    input:
        domain=f"{ANAT}_desc-domain.npz",
        characteristic=f"{WORK}/characteristic.json",
    output:
        json=f"{WORK}/baselines.json",
        npz=f"{WORK}/baselines.npz",
    log:
        f"{LOGS}/sub-{{patient}}/baselines.log",
    benchmark:
        f"{WORK}/costs/baselines.tsv"
    priority: in_turn
    conda:
        "../envs/growth.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(10),
    params:
        settings=settings_for("growth", "objective", "bounds", "verify"),
        code=source_hash("gbm.steps.baselines"),
    message:
        "Disc, characteristic solution and direct fit of {wildcards.patient}"
    script:
        "../scripts/baselines.py"
