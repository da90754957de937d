"""The configurations for nginx and Caddy in docs/deploy, run by these programs."""
