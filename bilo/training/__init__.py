"""Budget, optimisers, the loop and its checkpoints, and what a fit hands back."""
