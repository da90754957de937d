"""Compares answers: recorded ones with those of today, and both engines with each other."""
