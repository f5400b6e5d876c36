"""A number for each photo: a price, an age, a score of quality."""
