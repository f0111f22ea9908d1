"""Reference solvers: one file a problem."""
