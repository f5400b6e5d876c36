"""An embedding for each photo, in which photos of one product lie near one another."""
