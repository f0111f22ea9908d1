"""Gradients of the bilevel iteration against exact ones."""
