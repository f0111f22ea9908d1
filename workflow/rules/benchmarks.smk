"""The experiments of the paper: one target each, and all of them in two sizes."""

# Every problem is an experiment; `cost` compares them. The names are read from the file names, so
# that parsing imports nothing heavy.
EXPERIMENTS = [
    *sorted(
        path.stem
        for path in (BASE / "bilo/problems").glob("*.py")
        if not path.stem.startswith("_")
    ),
    "cost",
]

for experiment in EXPERIMENTS:
    for suffix, profile in (("", "quick"), ("_full", "full")):

        rule:
            name:
                f"bench_{experiment}{suffix}"
            output:
                table=f"<benchmarks>/{experiment}/table{suffix}.md",
            log:
                f"{ROOT}/benchmarks/logs/{experiment}{suffix}.log",
            conda:
                "../envs/benchmarks.yaml"
            threads: 1
            resources:
                mem_mb=4000,
            params:
                experiment=experiment,
                profile=profile,
                code=source_hash("benchmarks"),
            message:
                f"Experiment {experiment}, profile {profile}"
            script:
                "../scripts/benchmark.py"


rule benchmarks:
    input:
        expand("<benchmarks>/{experiment}/table.md", experiment=EXPERIMENTS),
    message:
        "Every experiment, quick profile"


rule benchmarks_full:
    input:
        expand("<benchmarks>/{experiment}/table_full.md", experiment=EXPERIMENTS),
    message:
        "Every experiment, the paper's whole grid"
