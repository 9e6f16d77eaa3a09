"""One run: from encoded data in the user's units to a network in the user's units.

This is where PyTorch comes in: import these modules when a fit begins, not before.
"""
