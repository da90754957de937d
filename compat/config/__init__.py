"""Settings, accounts and conventions: everything that a user chooses."""
