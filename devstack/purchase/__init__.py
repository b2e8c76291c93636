"""`make purchase`: the whole road of one order through the public API of a running `make up`.

It is placed and paid, shipped, delivered and refunded in part; every request, every answer, every
line a saga writes into its journal, every event and every letter is told as it happens.
"""
