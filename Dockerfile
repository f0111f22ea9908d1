# syntax=docker/dockerfile:1
# `docker build --target gbm -t bilo-gbm .` makes the program, for any command of `gbm`;
# `docker build --target predict-gbm -t bilo_gbm .` a growth model for the benchmark PREDICT-GBM,
# which mounts /mlcube_io0 (patients) and /mlcube_io1 (densities) and starts it without arguments.

FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE Snakefile config.yaml ./
COPY bilo bilo
COPY gbm gbm
COPY workflow workflow
# a build of torch without CUDA: nothing here needs a GPU
RUN pip install --no-cache-dir --prefix=/made --extra-index-url https://download.pytorch.org/whl/cpu .

FROM python:3.12-slim-bookworm AS gbm
ENV OMP_NUM_THREADS=1 MPLBACKEND=Agg PYTHONUNBUFFERED=1 HOME=/tmp
COPY --from=build /made /usr/local
RUN useradd --uid 1000 gbm
USER gbm
WORKDIR /data
ENTRYPOINT ["gbm"]
CMD ["--help"]

# The benchmark mounts folders of whoever runs it: as root, which is its own default, it can write there.
FROM gbm AS predict-gbm
USER root
CMD ["predict-gbm", "--input", "/mlcube_io0", "--output", "/mlcube_io1"]
