"""One class of several for each photo."""
