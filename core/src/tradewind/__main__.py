"""``python -m tradewind``."""

import sys

from tradewind.cli.main import main

sys.exit(main())
