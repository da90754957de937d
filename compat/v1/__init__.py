"""The contract of the old API (Mailbox API 1.0): parses requests and serialises answers.

Everything here is pure: no input, no output, no clock.
"""
