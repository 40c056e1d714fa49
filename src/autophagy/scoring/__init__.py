"""Two sets of files held against each other: what `autophagy score REAL FAKE` does.

An argument is read by `given`, images one at a time by `album`; `encode` turns them into features, `comparison` holds
them against each other through the same metrics as the engine's, and `scores` is what comes out.
"""
