"""THE LOOP: facts and commands in, decisions by ``logic``, one transaction, then orders to executors."""
