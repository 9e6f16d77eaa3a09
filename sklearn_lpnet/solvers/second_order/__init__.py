"""Second-order steps, deletions and moves on the support of a network."""
