"""The problem that is fitted: one slice, its tissue and its phase field."""
