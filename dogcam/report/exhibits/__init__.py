"""One file an exhibit."""
