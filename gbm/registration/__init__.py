"""The atlas, warped to the patient's head."""
