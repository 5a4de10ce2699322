"""Gymnasium wrappers for text environments."""
