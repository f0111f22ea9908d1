"""Patient files and settings, read and checked in the user's words; no numerics."""
