"""Typed settings from a file and the environment. Knows nothing of what is done with them."""
