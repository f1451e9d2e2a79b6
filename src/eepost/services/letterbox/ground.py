# SPDX-License-Identifier: Apache-2.0
"""What both ways, out and in, stand on: one account's letters, and its service."""

from dataclasses import dataclass

from eepost.observe.journal import Journal
from eepost.services.letterbox.identity import Account
from eepost.services.letterbox.letters import Letters
from eepost.services.letterbox.notices import Notices
from eepost.services.letterbox.ports import Service


@dataclass(frozen=True, slots=True)
class Ground:
    """Shared by an account's carrier and its collector."""

    account: Account
    letters: Letters
    service: Service
    notices: Notices
    journal: Journal
