# SPDX-License-Identifier: Apache-2.0
"""Bounds on what one SMTP session may ask for; every one has its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """Limits of a session; the configuration may change them."""

    # What users of such a service know (10 MiB); announced by SIZE (RFC 1870). Ten times as much
    # is still read and thrown away, so that the client hears why.
    message_octets: int = 10_485_760
    # RFC 5321 4.5.3.1.4 asks for 512, RFC 3461 5 for 1036, ESMTP parameters add to it.
    command_line_octets: int = 2_048
    # RFC 4954 4: a line of AUTH may have 12,288 octets.
    auth_line_octets: int = 12_288
    # RFC 5321 4.5.3.1.6 asks for 1000; real mail holds lines of 24 kB, so damage would be ours.
    text_line_octets: int = 65_536
    # RFC 5321 4.5.3.1.8 asks for at least 100.
    recipients: int = 200
    # Errors that are answered; the next ends a session that only guesses. A person's mail program
    # makes one or two.
    errors: int = 20
    # Wrong passwords in one session before it is closed.
    auth_failures: int = 3
    # Ends a session that never stops; a mailing run of 200 recipients each needs far fewer.
    commands: int = 20_000
    # Messages in one session: a client with more can connect again.
    messages: int = 1_000
