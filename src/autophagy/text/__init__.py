"""Texts: cut into passages, split into words, written where other tools read them."""
