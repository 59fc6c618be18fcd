"""The nouns of the command line: where each has its file, and what it is for. Importing this imports none of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewind.cli.parser import Command

#: by noun, in the order of the help: (module below ``tradewind.cli``, what it does)
NOUNS: dict[str, tuple[str, str]] = {
    "run": ("run", "run a DAG file once, from here to its end"),
    "up": ("up", "start everything: scheduler, agent, and the web page where it is installed"),
    "demo": ("demo", "put the examples into a new home and start it"),
    "scheduler": ("scheduler", "start the scheduler alone"),
    "triggerer": ("triggerer", "start the triggerer alone"),
    "dags": ("dags", "list, show, trigger and pause DAGs; why one does not run"),
    "runs": ("runs", "list, show, clear and mark runs"),
    "tasks": ("tasks", "list, clear and explain tasks; read their logs"),
    "callbacks": ("callbacks", "which callbacks were called, and their logs"),
    "deadlines": ("deadlines", "by when runs are to succeed, and which did not"),
    "hitl": ("hitl", "human in the loop: what tasks ask people for, and answering it"),
    "backfill": ("backfill", "make runs for past dates of a DAG, as one thing to watch, pause and cancel"),
    "variables": ("variables", "values that tasks read by name"),
    "connections": ("connections", "how to reach outside systems"),
    "pools": ("pools", "slots that tasks share"),
    "assets": ("assets", "what DAGs make and wait for; their updates"),
    "plugins": ("plugins", "what is plugged in, and what failed to be"),
    "providers": ("providers", "packages that bring operators, hooks and executors"),
    "health": ("health", "whether the database and the processes are well"),
    "db": ("db", "make, migrate, check and clean the metadata database"),
    "config": ("config", "the settings, and where each comes from"),
    "completion": ("completion", "a script that completes commands in your shell"),
    "version": ("version", "the version of Tradewind"),
}


def commands_of(noun: str) -> tuple[Command, ...]:
    """The commands of a noun; imports its file."""
    module = importlib.import_module(f"tradewind.cli.{NOUNS[noun][0]}")
    commands: tuple[Command, ...] = module.COMMANDS
    return commands
