"""Images as files: looked at, read without trusting them, and written for other tools. Below every part."""
