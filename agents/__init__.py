"""Inference, rollouts, advantages, losses, updates, algorithms, checkpoints, training, evaluation and reports."""
