"""Ensembles of closed-form families: thousands of lineages at once, as an axis of arrays, exact in distribution."""
