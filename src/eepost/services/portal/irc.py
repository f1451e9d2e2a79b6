# SPDX-License-Identifier: Apache-2.0
"""What the portal needs to know of the bot on IRC; the bot is another service's business."""

from typing import Protocol

from eepost.accounts.model import Account


class IrcNews(Protocol):
    """The bot as its users meet it."""

    @property
    def server(self) -> str:
        """Where it is, as users know the place; may be empty."""

    @property
    def nick(self) -> str:
        """What it is called there now; empty while it is away."""

    def token(self, account: Account) -> str:
        """Return a token that binds who sends it to the bot; the one before is void."""
