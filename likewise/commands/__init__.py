"""The command `likewise`: one file per command."""
