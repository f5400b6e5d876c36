"""Making an exported network smaller: recipes, their search, and three gates."""
