"""The weather service of an imaginary town, as a plugin for Tradewind."""

__version__ = "0.1.0"
