"""The tests mirror the tree they test; the naive interpreter beside them is what the domain is held to."""
