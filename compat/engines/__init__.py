"""Engines turn a query into an answer."""
