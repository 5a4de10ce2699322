"""Procedural programming tasks in Python and JavaScript."""
