#!/usr/bin/env python3
"""Submit one job of Snakemake as a Kubernetes Job; print its name.

Usage: submit.py JOBSCRIPT
"""

import json
import os
import re
import subprocess
import sys


def manifest(script: str, properties: dict, env: dict) -> dict:
    """Return the Job: the job script in the image, on the claim, within its resources."""
    resources = properties["resources"]
    limits = {"memory": f"{resources['mem_mb']}M"}
    if resources.get("gpu"):
        limits["nvidia.com/gpu"] = str(resources["gpu"])
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": "bilo-gbm-",
            "namespace": env.get("KUBE_NAMESPACE", "default"),
            "labels": {"app": "bilo-gbm", "rule": properties.get("rule") or properties["groupid"]},
        },
        "spec": {
            "backoffLimit": 0,  # Snakemake tries again, with more memory and time
            "activeDeadlineSeconds": 60 * resources["runtime"],
            "ttlSecondsAfterFinished": 86400,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    # files on the claim have one owner, whoever made them: command or job
                    "securityContext": {"runAsUser": os.getuid(), "runAsGroup": os.getgid()},
                    "containers": [
                        {
                            "name": "job",
                            "image": env["KUBE_IMAGE"],
                            "command": ["/bin/sh", script],
                            "env": [{"name": "OMP_NUM_THREADS", "value": "1"}],
                            "resources": {
                                "requests": {"cpu": str(properties["threads"])},
                                "limits": limits,
                            },
                            "volumeMounts": [{"name": "data", "mountPath": env["KUBE_MOUNT"]}],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "data",
                            "persistentVolumeClaim": {"claimName": env["KUBE_CLAIM"]},
                        }
                    ],
                }
            },
        },
    }


def main() -> None:
    """Read the properties that Snakemake writes into a job script, and submit."""
    script = os.path.abspath(sys.argv[1])
    with open(script, encoding="utf-8") as stream:
        properties = json.loads(re.search(r"^# properties = (.*)$", stream.read(), re.M)[1])
    missing = [n for n in ("KUBE_IMAGE", "KUBE_CLAIM", "KUBE_MOUNT") if not os.environ.get(n)]
    if missing:
        sys.exit(f"error: set {', '.join(missing)} (see config.yaml of this profile)")
    made = subprocess.run(
        ["kubectl", "create", "--filename=-", "--output=jsonpath={.metadata.name}"],
        input=json.dumps(manifest(script, properties, dict(os.environ))),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    print(made.stdout.strip())


if __name__ == "__main__":
    main()
