"""The local copy of an account: kept in SQL, true as of when it says, and asked without a network.

One archive holds one account: all mailboxes that its application may see, spam included.
"""
