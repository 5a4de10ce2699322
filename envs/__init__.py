"""Environments: text in, text out, scored. See ``registration`` for the table of ids."""
