# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/ that are made from the code: settings, commands and replies.

`python -m eepost.app.reference docs` writes them (`make docs`); a test compares.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import typer.main

from eepost.app.cli import tree
from eepost.app.config_text import reference as settings_page
from eepost.mail.reply import Reply
from eepost.sanitise import from_user, inbound
from eepost.services.gateway.reception import replies as reception_replies
from eepost.services.letterbox import replies as letterbox_replies
from eepost.services.mta import replies as submission_replies
from eepost.services.pop import refusals
from eepost.wire.pop3.events import Refused
from eepost.wire.smtp import replies as engine_replies

_MADE = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Made by `make docs`; a test compares. -->
"""


def pages() -> dict[str, str]:
    """Return the made pages by file name."""
    return {
        "settings.md": settings_page(),
        "commands.md": commands_page(),
        "replies.md": replies_page(),
    }


def commands_page() -> str:
    """Return every command with its arguments and options."""
    parts = [_MADE + "# Commands\n"]
    for path, command in _commands("eepost", typer.main.get_command(tree.app)):
        parts.append(f"## `{path}`\n\n{_plain(command.help)}\n")
        rows = [_row(each) for each in command.params if each.name != "help"]
        if rows:
            parts.append("| argument or option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, each in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(f"{path} {name}", each)


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{(parameter.metavar or parameter.name).upper()}`"
    return f"| {names} | {_plain(getattr(parameter, 'help', ''))} |"


def _plain(text: str | None) -> str:
    return (text or "").strip().replace("|", "\\|")


def replies_page() -> str:
    """Return every reply that the two protocols give."""
    parts = [
        _MADE,
        "# Replies\n",
        "Texts are constant: they tell the peer nothing about the inside. Where `{...}` stands,"
        " something bounded is put in.\n",
        "## Submission: decided by policy\n",
        *_smtp_rows(submission_replies),
        "\n## Submission: the protocol's own\n",
        *_smtp_rows(engine_replies),
        "\n## Submission: the sanitiser's\n",
        *_smtp_rows(from_user),
        "\n## Mail from the Internet: decided by policy\n",
        *_smtp_rows(reception_replies),
        "\n## Mail from the Internet: the sanitiser's\n",
        *_smtp_rows(inbound),
        "\n## POP3: refusals by policy\n",
        "| text | response code |\n|---|---|",
        *_pop3_rows(refusals),
        "\n## Letterbox: sending\n",
        *_smtp_rows(letterbox_replies),
        "\n## Letterbox: fetching\n",
        "| text | response code |\n|---|---|",
        *_pop3_rows(letterbox_replies),
    ]
    return "\n".join(parts) + "\n"


def _smtp_rows(module: ModuleType) -> Iterator[str]:
    yield "| code | enhanced | text |\n|---|---|---|"
    found = [each for each in vars(module).values() if isinstance(each, Reply)]
    for each in sorted(set(found), key=lambda reply: (reply.code, reply.enhanced, reply.text)):
        shown = each.text.replace("\n", "<br>")
        yield f"| {each.code} | {each.enhanced} | {shown} |"


def _pop3_rows(module: ModuleType) -> Iterator[str]:
    found = [each for each in vars(module).values() if isinstance(each, Refused)]
    for each in sorted(found, key=lambda refusal: refusal.text):
        yield f"| {each.text} | {each.code.value if each.code else ''} |"


def main() -> None:
    """Write the pages into the folder named on the command line."""
    folder = Path(sys.argv[1])
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
