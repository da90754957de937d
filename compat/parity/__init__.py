"""The same question asked twice, and what differs."""
