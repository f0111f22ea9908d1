"""The experiments of the paper: one target each, and all of them in two sizes."""


include: "experiments.smk"


rule bench_run:
    output:
        "<benchmarks>/{experiment}/{method}/{setting}.json",
    log:
        f"{ROOT}/benchmarks/logs/{{experiment}}/{{method}}/{{setting}}.log",
    wildcard_constraints:
        experiment="|".join(experiments.names()),
        method=r"\w+",
        setting=r"[^/]+",
    conda:
        "../envs/benchmarks.yaml"
    # timings are compared, so those of `cost` are taken with nothing beside
    threads: lambda wildcards: workflow.cores if wildcards.experiment == "cost" else 1
    resources:
        mem_mb=2000,
        runtime=more(60),
    params:
        words=run_words,
        code=run_code,
    message:
        "Run {wildcards.experiment}: {wildcards.method}, {wildcards.setting}"
    shell:
        "python -m benchmarks run {params.words} --out {output:q} 2> {log:q}"


rule bench_table:
    input:
        planned,
    output:
        "<benchmarks>/{experiment}/table{suffix}.md",
    log:
        f"{ROOT}/benchmarks/logs/{{experiment}}/table{{suffix}}.log",
    wildcard_constraints:
        experiment="|".join(experiments.names()),
        suffix="|_full",
    conda:
        "../envs/benchmarks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        results=lambda wildcards, output: os.path.dirname(os.path.dirname(output[0])),
        code=table_code,
    message:
        "Table of {wildcards.experiment}"
    shell:
        "python -m benchmarks table {wildcards.experiment} --results {params.results:q}"
        " --suffix={wildcards.suffix:q} > {log:q} 2>&1"


for experiment in experiments.names():
    for suffix in PROFILE_OF:

        rule:
            name:
                f"bench_{experiment}{suffix}"
            input:
                f"<benchmarks>/{experiment}/table{suffix}.md",
            message:
                f"Experiment {experiment}, profile {PROFILE_OF[suffix]}"


rule bench_page:
    input:
        lambda wildcards: expand(
            f"<benchmarks>/{{experiment}}/table{wildcards.suffix}.md",
            experiment=experiments.names(),
        ),
    output:
        "<benchmarks>/RESULTS{suffix}.md",
    log:
        f"{ROOT}/benchmarks/logs/RESULTS{{suffix}}.log",
    wildcard_constraints:
        suffix="|_full",
    conda:
        "../envs/benchmarks.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        results=lambda wildcards, output: os.path.dirname(output[0]),
        code=source_hash("benchmarks.pages.page"),
    message:
        "Page of all results"
    shell:
        "python -m benchmarks page --results {params.results:q} --out {output:q} 2> {log:q}"


rule benchmarks:
    input:
        "<benchmarks>/RESULTS.md",
    message:
        "Every experiment, quick profile"


rule benchmarks_full:
    input:
        "<benchmarks>/RESULTS_full.md",
    message:
        "Every experiment, the paper's whole grid"


# A path with the hash of the code: a run of other code is another file, whatever the dates of files
# say, and a run that is kept in docs/results/runs asks for none.
use rule bench_run as results_run with:
    output:
        "<benchmarks>/runs/{code}/{experiment}/{method}/{setting}.json",
    log:
        f"{ROOT}/benchmarks/logs/runs/{{code}}/{{experiment}}/{{method}}/{{setting}}.log",
    wildcard_constraints:
        code="[0-9a-f]{12}",
        experiment="|".join(experiments.names()),
        method=r"\w+",
        setting=r"[^/]+",
    priority: run_priority


for target, part in RESULTS.items():

    rule:
        name:
            target
        input:
            partial(missing_runs, part),
        log:
            f"{ROOT}/benchmarks/logs/{target}.log",
        conda:
            "../envs/benchmarks.yaml"
        threads: 1
        resources:
            mem_mb=2000,
        message:
            f"The page of results: {PARTS.get(part, 'all runs')}"
        shell:
            f"({KEEP_AND_SHOW}) 2> {{log:q}}"
