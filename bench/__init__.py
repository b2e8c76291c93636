"""What the shop can carry: figures, each beside its floor measured in the same run."""
