"""What a user of the command is meant to see, in one line."""

from __future__ import annotations


class CommandError(ValueError):
    """Something asked for does not exist or makes no sense."""
