"""How programs are judged: what is expected of them, and what they did."""
