"""`python -m services.cli` is the `tracker` command."""

from services.cli import main

main()
