"""A leaderboard: what is handed in is checked by grading it again, and shown as pages that need no server."""
