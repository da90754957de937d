"""Mailbox API 2.0: signing in, walking its conversations, its rate budget, its errors."""
