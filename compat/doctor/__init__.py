"""Diagnosis of an account, its archive and its settings."""
