"""One file per command, each run(config, progress) -> result."""
