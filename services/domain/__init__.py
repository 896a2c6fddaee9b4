"""The grammar: for every clause in scope, some route has all of its requirements met by some evidence. Pure."""
