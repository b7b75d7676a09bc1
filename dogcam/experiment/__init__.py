"""The folder on disk: runs, per-image tables, kept pictures, which run and epoch are meant."""
