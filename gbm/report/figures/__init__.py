"""Figures of the report: one panel a figure, so that the page can lay them out for any screen."""
