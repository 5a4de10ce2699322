"""Updates: scores of tokens, gradients, steps."""
