"""Files from outside and our own: opened within bounds, checked, replaced whole. Free of torch."""
