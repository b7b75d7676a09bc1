"""Drawn dogs, with exact boxes and masks."""
