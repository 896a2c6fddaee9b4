"""What people bring in: files of facts, read, checked and told to the log."""
