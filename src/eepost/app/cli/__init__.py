# SPDX-License-Identifier: Apache-2.0
"""The command `eepost`.

What a gateway runs is loaded alone, and what a letterbox does: their processes must not hold a line
of code about accounts.
"""

import sys
from collections.abc import Callable
from typing import Any

from eepost.app.hardening import keep_memory_private

# `eepost gateway ...` on the gateway; its other subcommands are the core's.
GATEWAY_COMMANDS = ("init", "serve", "pair", "check", "records", "tunnels")

Explain = Callable[[Exception], str | None]


def main() -> None:
    """Run the command line; expected failures are a sentence and exit code 1, never a traceback."""
    app, explain = _commands(sys.argv[1:])
    try:
        keep_memory_private()
        app()
    except Exception as error:
        sentence = explain(error)
        if sentence is None:
            raise
        sys.stderr.write(f"eepost: {sentence}\n")
        sys.exit(1)


def _commands(arguments: list[str]) -> tuple[Any, Explain]:
    if _is_for_gateway(arguments):
        return _gateway()
    return _letterbox() if arguments[:1] == ["letterbox"] else _everything()


def _is_for_gateway(arguments: list[str]) -> bool:
    return arguments[:1] == ["gateway"] and arguments[1:2] in [[each] for each in GATEWAY_COMMANDS]


def _gateway() -> tuple[Any, Explain]:
    from eepost.app.cli.gateway import standalone  # noqa: PLC0415 - see above
    from eepost.app.cli.plain_failure import explain  # noqa: PLC0415

    return standalone, explain


def _letterbox() -> tuple[Any, Explain]:
    from eepost.app.cli.letterbox import standalone  # noqa: PLC0415 - see above
    from eepost.app.cli.plain_failure import explain  # noqa: PLC0415

    return standalone, explain


def _everything() -> tuple[Any, Explain]:
    from eepost.app.cli.failure import explain  # noqa: PLC0415
    from eepost.app.cli.tree import app  # noqa: PLC0415

    return app, explain
