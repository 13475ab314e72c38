"""Write docs/cli.md, the help of every command: `python -m docs.cli`."""

from __future__ import annotations

from pathlib import Path

from click import Context

from likewise.commands.group import main

PAGE = Path(__file__).with_name("cli.md")
_COLUMNS = 100

_HEAD = """\
# The command line

Rows go to stdout, everything else to stderr. The exit status is 0 for every answer, "no match"
included, 1 for bad input and 2 for bad usage. `make cli` generates this page from the help of the
commands.
"""


def page() -> str:
    """Put the help of the group and of each command under headings.

    Example:
        >>> page().splitlines()[0]
        '# The command line'
    """
    group = Context(main, info_name="likewise", terminal_width=_COLUMNS, **main.context_settings)
    sections = [_HEAD, _section("likewise", main.get_help(group))]
    for name in main.list_commands(group):
        command = main.get_command(group, name)
        assert command is not None
        context = Context(command, parent=group, info_name=name)
        sections.append(_section(f"likewise {name}", command.get_help(context)))
    return "\n".join(sections)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
