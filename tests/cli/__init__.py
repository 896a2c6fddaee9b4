"""The `tracker` command, run as a process of its own, as people run it."""
