# SPDX-License-Identifier: Apache-2.0
"""Mail between users here, as each of its readers gets it: `to_user` by the reader's choices.

Plain text that was made anew needs nothing of it and passes untouched; of all other mail there is
one rendering for each choice that its readers made, not one for each reader.

Trust: a user wrote the message, and may be malicious; it has been through `from_user`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from eepost.accounts.model import Account
from eepost.mail.message import Bounds
from eepost.sanitise.choices import DEFAULT, Dangerous
from eepost.sanitise.cleaner import Cleaner
from eepost.sanitise.inbound import Inbound, is_made_plain
from eepost.sanitise.outcome import Refused, Sanitised

# As wide as what a user submits: ten thousand recipients in To fill more than mail from the
# Internet may have of a header.
_BOUNDS = Bounds()


class DoesNotFit(Exception):  # noqa: N818 - an outcome for the caller
    """The message is beyond what a reader's programs could take."""


@dataclass(slots=True, repr=False)  # a repr must not show what passes through
class Renderings:
    """The renderings of one message that a user here sent, made when they are first asked for.

    `whose` names the sender: the worker that cleaned his message may see it again.
    """

    cleaner: Cleaner
    randomness: Callable[[int], bytes]
    message: Sanitised
    whose: str
    made: dict[Dangerous, Sanitised] = field(default_factory=dict)

    async def for_reader(self, account: Account) -> Sanitised:
        """Return the message as `account` gets it. Raises CleaningFailed, DoesNotFit."""
        if is_made_plain(bytes(self.message.pieces[0])):
            return self.message
        # All else that a reader may choose is for mail from the Internet, or done elsewhere.
        chosen = account.preferences.cleaning.dangerous
        if chosen not in self.made:
            self.made[chosen] = await self._render(chosen)
        return self.made[chosen]

    async def _render(self, chosen: Dangerous) -> Sanitised:
        choices = replace(DEFAULT, dangerous=chosen)
        context = Inbound(self.randomness, choices=choices, bounds=_BOUNDS)
        made = await self.cleaner.to_user(b"".join(self.message.pieces), context, self.whose)
        if isinstance(made, Refused):
            raise DoesNotFit
        return replace(self.message, pieces=made.pieces)
