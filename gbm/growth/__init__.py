"""The growth model: solver, objective, priors, scores."""
