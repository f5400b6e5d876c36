"""Files that visionft wrote: how they are opened, bounded, checked and written. Free of torch."""
