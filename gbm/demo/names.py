"""Names of the built-in patients."""

DEMO_NAMES = {2: "demo", 3: "demo3d"}
"""By the dimensions that they grew in."""
