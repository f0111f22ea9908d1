"""Plans of equal volume, drawn for comparison: research use only, none is meant for treatment."""
