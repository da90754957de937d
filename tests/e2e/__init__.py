"""Whole processes: signals, kills, several servers."""
