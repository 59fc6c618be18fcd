"""Inside the child: one attempt of a task, from its order to its outcome."""
