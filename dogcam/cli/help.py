"""Help in titled groups, written as plain text: rich would cost every start a tenth of a second, and read texts as markup."""

from __future__ import annotations

import textwrap
from typing import Any

from typer.core import TyperCommand

WIDTH = 120  # columns that help takes at most


class GroupedCommand(TyperCommand):
    """A command whose help shows its options under the titles that they name as `rich_help_panel`, in order."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What the usage line says: arguments as their metavars are written."""
        return ["[OPTIONS]", *(name for name, _ in self._arguments())]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then a section for each group; an option of no group, which is --help, closes the last."""
        sections = {"Arguments": self._arguments()}
        title = "Options"
        for each in self.get_params(ctx):
            if each.param_type_name == "option":
                title = each.rich_help_panel or title
                sections.setdefault(title, []).append(each.get_help_record(ctx))
        column = max(len(name) for records in sections.values() for name, _ in records)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write("".join(_line(name, text, column, formatter.width) for name, text in records))

    def get_short_help_str(self, limit: int = 0) -> str:
        """What the list of commands says of this one: all of it, where click would cut it."""
        return self.help or ""

    def _arguments(self) -> list[tuple[str, str]]:
        return [(each.metavar, each.help) for each in self.params if each.param_type_name == "argument"]


def _line(name: str, text: str, column: int, width: int) -> str:
    """A name and what it means, on as many lines as that takes; names in the text are never broken at their hyphens."""
    kept = text.replace("default: ", "default:\xa0")
    indent = " " * (column + 4)
    lines = textwrap.fill(f"  {name:{column}}  {kept}", width, subsequent_indent=indent, break_on_hyphens=False)
    return lines.replace("\xa0", " ") + "\n"
