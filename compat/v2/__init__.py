"""A client of Mailbox API 2.0: authentication, rate limit, pagination, models and errors."""
