"""Specs and values to versioned JSON and back; knows :mod:`tradewind.model` alone."""
