"""Catches every mail of a local shop and shows it in the browser. Knows nothing of the shop."""
