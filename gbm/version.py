"""The version of the package, here for files that are read without importing anything."""

__version__ = "0.2.0"
