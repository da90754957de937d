"""The language of Mailbox API 1.0's reports: how a request is read and an answer is written.

Everything here is a function of its arguments. Nothing is fetched, stored or timed.
"""
