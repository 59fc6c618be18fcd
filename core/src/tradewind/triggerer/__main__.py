"""``python -m tradewind.triggerer``: a triggerer whose options come as JSON on standard input."""

import logging
import sys

import msgspec

from tradewind.triggerer.options import TriggererOptions
from tradewind.triggerer.triggerer import main

if __name__ == "__main__":
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    main(msgspec.json.decode(sys.stdin.buffer.read(), type=TriggererOptions))
