"""One run: its data, its fit, and how it is judged."""
