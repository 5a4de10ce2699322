"""Models: loaded, or made on the spot."""
