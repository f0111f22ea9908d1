"""Patients made by the model: the demo and the phantoms."""
