"""Recorded requests with their answers, read from JSON lines and from HAR files."""
