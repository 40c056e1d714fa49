"""Checkpoints in Hugging Face's formats: where they lie, what they are, and what may be read of them."""
