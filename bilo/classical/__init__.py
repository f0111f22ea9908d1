"""Searches with the numerical solution in the place of a network."""
