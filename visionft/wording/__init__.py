"""Text for people: safe to print, counted, listed, with the name that was meant."""
