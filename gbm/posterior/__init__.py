"""How sure: the likelihood of the drawn outlines, and samples of the posterior it gives."""
