"""`python -m likewise`: the command `likewise`."""

from likewise.commands.group import main

if __name__ == "__main__":
    main(prog_name="python -m likewise")
