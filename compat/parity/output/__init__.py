"""Writes verdicts as text, JSON, JUnit XML and HTML, and fits as TOML and JSON."""
