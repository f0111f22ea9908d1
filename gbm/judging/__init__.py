"""What the numbers of a run mean: quality, gates, outcome, verdict, uncertainty, summary."""
