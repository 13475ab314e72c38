"""`python cli.py` in a checkout: hands over to the command `likewise` in likewise/commands."""

from likewise.commands.group import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
