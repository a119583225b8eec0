"""Finds the broken pixels of a camera's sensor from the photos it took."""
