"""Conversations with a user who wants something and tells it when asked."""
