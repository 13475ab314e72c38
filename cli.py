"""`python cli.py` in a checkout: the command `likewise`, which `likewise.commands` holds."""

from likewise.commands.group import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
