#!/usr/bin/env python3
"""Delete Kubernetes Jobs and their pods.

Usage: cancel.py NAME...
"""

import os
import subprocess
import sys

if __name__ == "__main__":
    namespace = os.environ.get("KUBE_NAMESPACE", "default")
    words = ["kubectl", "delete", f"--namespace={namespace}", "--wait=false", "job"]
    subprocess.run([*words, *sys.argv[1:]], check=True)
