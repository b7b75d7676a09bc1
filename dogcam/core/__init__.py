"""Below everything: errors, the registry of names, configuration, files, progress, downloads."""
