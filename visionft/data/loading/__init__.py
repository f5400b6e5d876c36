"""From a manifest to batches: order, workers, collation."""
