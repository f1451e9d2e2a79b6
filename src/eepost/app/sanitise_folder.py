# SPDX-License-Identifier: Apache-2.0
"""Sanitises messages in files by one policy: what `eepost sanitise` does, without a post office.

For people who want to look, and for tests. Reads and writes files; logs nothing.
"""

import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from eepost.mail.address import Address
from eepost.sanitise.from_user import FromUser, sanitise_from_user
from eepost.sanitise.inbound import Inbound, sanitise_from_internet, sanitise_to_user
from eepost.sanitise.outcome import Refused, Sanitised
from eepost.sanitise.report import Report
from eepost.sanitise.to_internet import ToInternet, sanitise_to_internet

_LINE_END = re.compile(rb"\r\n|\r|\n")
_REFUSED = ".refused"

Sanitise = Callable[[bytes], Sanitised | Refused]


class Policy(Enum):
    """The four directions."""

    FROM_USER = "from_user"
    TO_INTERNET = "to_internet"
    FROM_INTERNET = "from_internet"
    TO_USER = "to_user"


@dataclass(slots=True)
class FolderReport:
    """What became of a folder."""

    passed: int = 0
    refused: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)  # of the refused

    @property
    def report(self) -> Report:
        """What was changed in all messages together."""
        return Report(dict(sorted(self.counts.items())))


def make_policy(policy: Policy, account: Address, official_domain: str | None) -> Sanitise:
    """Return the function for one direction.

    With `official_domain`, from_user gives what would leave for the Internet: identifiers on that
    domain and addresses in their official form. Keys are random: two runs give other identifiers.
    """
    if policy is Policy.FROM_USER:
        return _from_user(account, official_domain)
    if policy is Policy.TO_INTERNET:
        outward = ToInternet(account.domain, official_domain or account.domain)
        return lambda message: sanitise_to_internet(message, outward)
    inbound = Inbound(secrets.token_bytes)
    if policy is Policy.FROM_INTERNET:
        return lambda message: sanitise_from_internet(message, inbound)
    return lambda message: sanitise_to_user(message, inbound)


def _from_user(account: Address, official_domain: str | None) -> Sanitise:
    official = Address(account.local_part, official_domain or account.domain)
    context = FromUser(
        address=account,
        addresses=frozenset({account, official}),
        message_id_key=secrets.token_bytes(32),
        message_id_domain=official.domain,
        accepted_utc=int(time.time()),
        randomness=secrets.token_bytes,
    )
    outward = ToInternet(account.domain, official.domain)

    def sanitise(message: bytes) -> Sanitised | Refused:
        made = sanitise_from_user(message, context)
        if official_domain is None or isinstance(made, Refused):
            return made
        left = sanitise_to_internet(b"".join(made.pieces), outward)
        if isinstance(left, Refused):
            return left
        return Sanitised(left.pieces, made.report, made.thread_ids)

    return sanitise


def read_message(octets: bytes, policy: Policy) -> bytes:
    """Return a message as it stands in a file with CRLF line ends.

    Files with other line ends are what mail programs keep. One whose first line ends in CRLF is
    taken as it came over the wire: from the Internet a bare CR or LF in it is an attack, which
    from_internet is to see.
    """
    first = _LINE_END.search(octets)
    if policy is Policy.FROM_INTERNET and first is not None and first[0] == b"\r\n":
        return octets
    message = _LINE_END.sub(b"\r\n", octets)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def messages_in(folder: Path) -> list[Path]:
    """Return the .eml files below a folder, in order."""
    return sorted(path for path in folder.rglob("*.eml") if path.is_file())


def sanitise_files(
    paths: Iterable[tuple[Path, Path]], policy: Policy, sanitise: Sanitise
) -> FolderReport:
    """Sanitise each first file into its second.

    A refused message gives NAME.refused with the reply that its sender would get. What an earlier
    run left under the other name goes. Raises OSError where a file can't be read or written.
    """
    report = FolderReport()
    for source, target in paths:
        outcome = sanitise(read_message(source.read_bytes(), policy))
        write_outcome(outcome, target)
        report.counts.update(outcome.report.counts)
        if isinstance(outcome, Refused):
            report.refused += 1
            report.replies[outcome.reply.text] += 1
        else:
            report.passed += 1
    return report


def write_outcome(outcome: Sanitised | Refused, target: Path) -> None:
    """Write the message to `target`, or the reply to `target` with `.refused` behind its name."""
    target.parent.mkdir(parents=True, exist_ok=True)
    refused = target.with_name(target.name + _REFUSED)
    if isinstance(outcome, Refused):
        refused.write_bytes(outcome.reply.octets)
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(b"".join(outcome.pieces))
        refused.unlink(missing_ok=True)
