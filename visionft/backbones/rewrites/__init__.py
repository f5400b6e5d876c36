"""Other ways to compute the same network for less: fused, folded and frozen batch norms, ReLU6."""
