"""Inference: text in, text and token records out."""
