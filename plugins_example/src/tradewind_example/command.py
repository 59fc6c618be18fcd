"""``tradewind weather``."""

from __future__ import annotations


def weather(arguments: list[str]) -> int:
    """Say what the weather is like in the towns that are named."""
    for town in arguments or ["Hoorn"]:
        print(f"{town}: a light trade wind")
    return 0
