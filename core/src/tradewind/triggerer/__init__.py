"""WAITING WITHOUT A SLOT: runs the triggers of deferred tasks, thousands in one process, beside the scheduler.

A triggerer imports code of users and providers, so it is a process like the agent: a session on a socket of its own,
which the scheduler calls; facts kept until they are committed; never the database's address. It never runs a trigger in
itself: its workers do, and one that a trigger blocks or brings down is replaced, at the cost of that trigger's task alone.
"""
