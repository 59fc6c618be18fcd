"""The only place that wires things together: settings, store, plugins, executors, processes."""
