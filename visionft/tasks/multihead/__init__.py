"""Several columns of a catalogue at once: a head for each on one backbone, and one label from each."""
