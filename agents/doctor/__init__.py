"""What is installed here and what works: ``infinite-rl doctor``."""
