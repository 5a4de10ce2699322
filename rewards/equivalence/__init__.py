"""Whether two answers mean the same mathematics: exact where that is possible, and never by running anything."""
