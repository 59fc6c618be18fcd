"""The command line: one file a noun. What a command needs is imported when it is used."""
