"""Filling an archive from Mailbox API 2.0 and keeping it true: what one run does.

`compat.archive.sync.steps` lists what it does, in order.
"""
