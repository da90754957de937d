"""What people's programs do with the public clients; each is run in its client's environment."""
