"""Photos that are in no folder here: in buckets, archives and shards, made into folders of the cache."""
