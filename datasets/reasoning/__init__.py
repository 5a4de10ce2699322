"""Procedural tasks over mathematics, logic and text, judged by value."""
