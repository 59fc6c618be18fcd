"""WHAT SHOULD HAPPEN: decisions without I/O, clock, randomness or logging. Facts in, transitions out."""
