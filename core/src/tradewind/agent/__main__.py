"""``python -m tradewind.agent``: an agent whose options come as JSON on standard input."""

import sys

import msgspec

from tradewind.agent.agent import main
from tradewind.agent.options import AgentOptions

if __name__ == "__main__":
    main(msgspec.json.decode(sys.stdin.buffer.read(), type=AgentOptions))
