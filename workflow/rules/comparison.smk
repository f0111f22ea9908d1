"""The comparison: networks that the main job does not need, beside the headline of each patient."""


rule direct_fixed:
    input:
        domain=FILES.domain,
        characteristic=FILES.characteristic,
    output:
        FILES.direct_fixed,
    log:
        log_of("direct_fixed"),
    benchmark:
        cost_of("direct_fixed")
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
        code=source_hash("gbm.steps.direct_fixed"),
    message:
        "Direct fit of {wildcards.patient} with the origin fixed"
    script:
        "../scripts/step.py"


rule comparison:
    input:
        domain=FILES.domain,
        baselines=FILES.baselines,
        direct_fixed=FILES.direct_fixed,
        fits=fits(FILES.fit, fit_names.compared),
        verifications=fits(FILES.verified, fit_names.compared),
    output:
        params=FILES.comparison,
        metrics=FILES.comparison_metrics,
    log:
        log_of("comparison"),
    benchmark:
        cost_of("comparison")
    priority: in_turn
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        root=results_root,
        settings=all_settings,
        code=source_hash("gbm.steps.comparison"),
    message:
        "Comparison of {wildcards.patient}"
    script:
        "../scripts/step.py"


rule comparison_page:
    input:
        plan=page_as_planned("comparison_page"),
        params=[COHORT.of(key).params for key in PATIENTS],
        metrics=[COHORT.of(key).metrics for key in PATIENTS],
        comparisons=[COHORT.of(key).comparison for key in PATIENTS],
        scores=[COHORT.of(key).comparison_metrics for key in PATIENTS],
    output:
        html=report(
            COHORT.comparison,
            caption="../report/comparison.rst",
            category="Cohort",
        ),
    log:
        COHORT.logs / "comparison_page.log",
    benchmark:
        f"{GBM}/work/costs/comparison_page.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=more(2000),
        runtime=more(10),
    params:
        patients=[*PATIENTS],
        code=source_hash("gbm.steps.comparison_page", "gbm.report"),
    message:
        "Page of the comparison"
    script:
        "../scripts/comparison_page.py"
