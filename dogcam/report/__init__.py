"""A document and its formats, from an analysis."""
