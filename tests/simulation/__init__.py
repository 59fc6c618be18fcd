"""The simulator: the real scheduler over the real store, with time, executors and people in the hand of a seed.

``python -m tests.simulation --seeds 300`` plays 300 seeds; ``--seed N --story`` tells what happened in one of them.
What it does and how to add to it: ``docs/internals/simulator.md``.
"""
