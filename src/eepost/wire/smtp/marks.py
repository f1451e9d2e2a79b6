# SPDX-License-Identifier: Apache-2.0
"""The names under which an owner may count what the engine answered by itself."""

from typing import Final

from eepost.wire.smtp.events import Mark

COMMAND_REFUSED: Final[Mark] = Mark("command_refused")
BAD_LINE: Final[Mark] = Mark("bad_line")
CONTENT_REFUSED: Final[Mark] = Mark("content_refused")
LIMIT_REACHED: Final[Mark] = Mark("limit_reached")
