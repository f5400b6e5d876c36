"""Which photos are trained on, chosen by and measured on; and what is the same on both sides."""
