"""The problem that is fitted: one slice or the whole tumour, its tissue and its phase field."""
