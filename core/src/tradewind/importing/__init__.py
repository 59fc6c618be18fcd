"""FROM DAG FILES TO STORED VERSIONS: each file is imported in a limited process of its own."""
