"""What photos are asked: each task in a folder of its own, found by its name; the rooms know none of them."""
