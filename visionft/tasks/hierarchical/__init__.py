"""A class at any level of a taxonomy for each photo: as deep as the model is sure."""
