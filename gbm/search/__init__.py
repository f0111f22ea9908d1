"""The direct fit: the best growth parameters by the finite-volume solver itself."""
