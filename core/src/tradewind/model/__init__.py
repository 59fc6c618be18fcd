"""WHAT EXISTS: frozen dataclasses and enums, made of the standard library alone. No clock, no I/O."""
