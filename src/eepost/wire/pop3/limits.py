# SPDX-License-Identifier: Apache-2.0
"""Bounds on what one POP3 session may ask for; every one has its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pop3Limits:
    """Limits of a session; the configuration may change them."""

    # RFC 2449 4: a command has at most 255 octets with CRLF. A long password needs no more.
    command_line_octets: int = 255
    # Ends a session that only guesses; a person's mail program makes one or two mistakes.
    errors: int = 20
    # Failed logins in one session before it is closed: guessing then costs connections too.
    auth_failures: int = 3
    # Ends a session that never stops; a full maildrop of tiny messages needs about 150,000.
    commands: int = 1_000_000
    # Replies that may wait to be sent before the next command is read: six octets of LIST can
    # be answered with a megabyte, so a burst of them must not be answered all at once.
    outgoing_octets: int = 65_536
