"""Methods: one file each, all with ``fit(problem, data, settings) -> Solution``."""
