"""Evaluation: a model's results on an environment or a benchmark, with what is needed to check them."""
