"""Names that other libraries call private, or do not promise: one file a library, a canary test for each name."""
