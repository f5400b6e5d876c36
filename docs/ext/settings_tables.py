"""Two directives that print what the program itself knows: its settings, and the help of its commands."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from visionft.cli.commands import COMMANDS
from visionft.cli.settings import TREES
from visionft.settings.fields import Leaf, groups, leaves
from visionft.settings.yaml_template import scalar, sentence

HEADS = ("setting", "default", "meaning")
WIDTHS = (25, 15, 60)
ADDRESS = re.compile(r"(?:arXiv )?(\d{4}\.\d{5})")


class SettingsTable(SphinxDirective):
    """`{settings-table} fit optim`: the settings of a command, or of one group of them, as a table."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        root = TREES[self.arguments[0]]
        group = self.arguments[1] if len(self.arguments) > 1 else ""
        if group and group not in groups(root):
            raise self.error(f"{self.arguments[0]} has no group of settings called {group}")
        shown = [leaf for leaf in leaves(root).values() if leaf.path.rpartition(".")[0].split(".")[0] == group]
        table = nodes.table(classes=["settings"])
        columns = nodes.tgroup(cols=len(HEADS))
        table += columns
        columns += [nodes.colspec(colwidth=width) for width in WIDTHS]
        columns += nodes.thead("", _row(*(nodes.paragraph("", head) for head in HEADS)))
        columns += nodes.tbody("", *(_setting(leaf) for leaf in shown))
        return [table]


class CommandsTable(SphinxDirective):
    """`{commands-table}`: every command with its sentence."""

    def run(self) -> list[nodes.Node]:
        """Return a list of definitions."""
        listed = nodes.definition_list()
        for name, (_, summary) in COMMANDS.items():
            term = nodes.term("", "", nodes.literal("", f"visionft {name}"))
            listed += nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph("", summary)))
        return [listed]


def _setting(leaf: Leaf) -> nodes.row:
    default = "required" if leaf.path == "photos" else _spelt(leaf.default)
    return _row(
        nodes.paragraph("", "", nodes.literal("", "PHOTOS" if leaf.path == "photos" else leaf.flag)),
        nodes.paragraph("", "", nodes.literal("", default)),
        nodes.paragraph("", "", *_linked(sentence(leaf))),
    )


def _spelt(default: Any) -> str:
    """Return a default as a flag takes it."""
    return "none" if default is None else str(scalar(default))


def _linked(text: str) -> list[nodes.Node]:
    """Return a sentence with its `names` as code and its papers as links."""
    found: list[nodes.Node] = []
    for part in re.split(r"(`[^`]+`|(?:arXiv )?\d{4}\.\d{5})", text):
        if part.startswith("`"):
            found.append(nodes.literal("", part.strip("`")))
        elif paper := ADDRESS.fullmatch(part):
            found.append(nodes.reference("", part, refuri=f"https://arxiv.org/abs/{paper[1]}"))
        elif part:
            found.append(nodes.Text(part))
    return found


def _row(*cells: nodes.Node) -> nodes.row:
    return nodes.row("", *(nodes.entry("", cell) for cell in cells))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("settings-table", SettingsTable)
    app.add_directive("commands-table", CommandsTable)
    return {"parallel_read_safe": True}
