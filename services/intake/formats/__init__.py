"""The formats of files that facts come from, one module each."""
