"""The operators that need nothing but Python."""
