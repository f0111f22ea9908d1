"""The upper level: descend the data objective through the operator."""
