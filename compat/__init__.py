"""Help Scout's Mailbox API 1.0 reports, computed from Mailbox API 2.0."""
