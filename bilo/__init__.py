"""Bilevel local operator learning for inverse problems of partial differential equations."""
