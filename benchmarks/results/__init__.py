"""Results on disk, and their summaries."""
