"""Files and names from outside, read within bounds; needs neither torch nor the photos."""
