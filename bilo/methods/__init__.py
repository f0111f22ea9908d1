"""Methods as values: one file each, all with ``fit(problem, data, session) -> Solution``."""
