"""Whether two trees are equal, kind by kind."""
