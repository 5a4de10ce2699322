"""Questions about an invented world, whose documents an agent must search."""
