"""Several labels a photo, or none, each with its own yes, no or unknown."""
