"""The stream processors: record, hand on, reassess, publish, and the clock."""
