"""Several packages together: real HTTP, real databases."""
