"""What to practise next: buffers of tasks and trajectories, and the sampler that draws from them."""
