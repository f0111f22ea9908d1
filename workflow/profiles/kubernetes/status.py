#!/usr/bin/env python3
"""Print `running`, `success` or `failed` for a Kubernetes Job.

Usage: status.py NAME
"""

import os
import subprocess
import sys

STATES = {"Complete": "success", "Failed": "failed"}
CONDITIONS = '{.status.conditions[?(@.status=="True")].type}'


def main() -> None:
    """Ask for the conditions of the Job that hold."""
    found = subprocess.run(
        [
            "kubectl",
            "get",
            f"--namespace={os.environ.get('KUBE_NAMESPACE', 'default')}",
            "job",
            sys.argv[1],
            f"--output=jsonpath={CONDITIONS}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    states = [STATES[name] for name in found.stdout.split() if name in STATES]
    print(states[0] if states else "running")


if __name__ == "__main__":
    main()
