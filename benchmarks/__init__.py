"""The experiments of the paper: what is run, with what budget, and what was published."""
