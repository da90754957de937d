"""The local copy of an account in an SQL database, which answers without a network.

One archive holds one account: all mailboxes that its application may see, spam included.
"""
