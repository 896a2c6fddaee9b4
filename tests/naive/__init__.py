"""The rules once more, line by line and in plain Python: what the columnar domain is held equal to."""
