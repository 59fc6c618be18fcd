"""What provider_name is to Tradewind, in one sentence."""

__version__ = "0.1.0"
