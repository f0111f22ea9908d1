"""From the patient's files to regions and tissue maps."""
