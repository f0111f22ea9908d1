"""The report of one patient: figures, sentences and one self-contained page."""
