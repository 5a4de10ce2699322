"""Where outside code and outside models run."""
