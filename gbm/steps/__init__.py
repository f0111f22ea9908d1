"""The pipeline: one file a rule, of its name; what reads and writes paths."""
