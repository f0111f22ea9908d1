"""Derivatives of a network by its inputs: Taylor mode, with a fused kernel for the CPU."""
