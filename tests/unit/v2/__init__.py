"""The client of Mailbox API 2.0, over real HTTP."""
