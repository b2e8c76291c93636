"""What the same machine does at best: the least a server or a database must do for an operation.

Nothing in here imports the shop.
"""
