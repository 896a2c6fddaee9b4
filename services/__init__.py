"""The tracker: what the rules mean (`domain`), where it runs (`runtime`) and the programs built on both."""
