"""Tools: what an agent may call between its turns, how calls are written, and what they cost."""
