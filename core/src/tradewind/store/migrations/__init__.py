"""Alembic's scripts: what changed in the schema from revision to revision."""
