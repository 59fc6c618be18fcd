"""What Tradewind's budgets are measured with: ``python -m benchmarks`` prints every figure, beside those of installed peers.

Nothing here is a test; a figure belongs to the machine, and to the load on it, that are printed with it.
"""
