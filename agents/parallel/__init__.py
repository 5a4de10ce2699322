"""Training on many processes: parallelism that is applied from outside the model."""
