"""Synchronisation: fills an archive from Mailbox API 2.0 and keeps it up to date.

`compat.archive.sync.run` lists the steps of a run in order.
"""
