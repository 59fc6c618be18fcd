"""Forks an agent off this process, as ``tradewind up`` does, and says its pid; options come as JSON on standard input."""

from __future__ import annotations

import sys

import msgspec

from tradewind.agent.options import AgentOptions
from tradewind.agent.process import fork_agent

if __name__ == "__main__":
    print(fork_agent(msgspec.json.decode(sys.stdin.buffer.read(), type=AgentOptions)), flush=True)
