# syntax=docker/dockerfile:1
# `docker build --target gbm -t bilo-gbm .` makes the program, for any command of `gbm`;
# `docker build --target predict-gbm -t bilo_gbm .` a growth model for the benchmark PREDICT-GBM,
# which mounts /mlcube_io0 (patients) and /mlcube_io1 (densities) and starts it without arguments.

FROM debian:trixie-slim AS gbm
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv && rm -r /var/lib/apt/lists/*
RUN python3 -m venv /opt/gbm
# a build of torch without CUDA: nothing here needs a GPU
RUN /opt/gbm/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.4,<3"
# what is named here and nothing else of the folder: no patient's images get into an image
COPY pyproject.toml README.md LICENSE Snakefile config.yaml /source/
COPY bilo /source/bilo
COPY gbm /source/gbm
COPY workflow /source/workflow
RUN /opt/gbm/bin/pip install --no-cache-dir /source && rm -r /source
# a home and a name for any `--user`, too
ENV PATH=/opt/gbm/bin:$PATH OMP_NUM_THREADS=1 MPLBACKEND=Agg PYTHONUNBUFFERED=1 HOME=/tmp LOGNAME=gbm
RUN useradd --uid 1000 gbm && install --directory --owner=gbm /data
USER gbm
WORKDIR /data
ENTRYPOINT ["gbm"]
CMD ["--help"]

# The benchmark mounts folders of whoever runs it: as root, which is its own default, it can write there.
FROM gbm AS predict-gbm
USER root
CMD ["predict-gbm", "--input", "/mlcube_io0", "--output", "/mlcube_io1"]
