"""What to practise next: task and trajectory buffers and the sampler that draws from them."""
