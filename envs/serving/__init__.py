"""Environments over HTTP: sessions, requests and their answers, and the web socket that OpenEnv's clients use."""
