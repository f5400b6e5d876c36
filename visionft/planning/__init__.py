"""All that is decided before step 0: resolved settings, precision, batch, network, what is resumed."""
