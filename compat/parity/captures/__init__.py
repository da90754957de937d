"""Recorded requests and answers, read from JSON lines and from HAR files."""
