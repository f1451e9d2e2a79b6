# SPDX-License-Identifier: Apache-2.0
"""Every reply that the engine gives by itself: constant public words, ready to send.

None tells the software, its version, a host name or anything of the peer. None is without text: a
reply that is only a code hangs some clients. Owners keep their own replies beside their decisions.
"""

from typing import Final

from eepost.mail.reply import Reply
from eepost.wire.lines import BadLine

OK: Final = Reply(250, "2.0.0", "OK")
BYE: Final = Reply(221, "2.0.0", "Good-bye")
RESET: Final = Reply(250, "2.0.0", "Transaction forgotten")
CHUNK_TAKEN: Final = Reply(250, "2.0.0", "Chunk taken")
# RFC 5321 7.3: neither yes nor no, so that nobody learns who has an account.
VRFY_NEUTRAL: Final = Reply(252, "2.0.0", "Not verified: send the message to find out")
HELP: Final = Reply(214, "2.0.0", "EHLO, AUTH, MAIL, RCPT, DATA, QUIT: as in RFC 5321 and RFC 4954")

SEND_CONTENT: Final = Reply(354, "", "Send the message, then a line with only a dot")

# Commands that can't be understood.
UNKNOWN_COMMAND: Final = Reply(500, "5.5.1", "Unknown command")
LINE_TOO_LONG: Final = Reply(500, "5.5.2", "Line too long")
BARE_CR_OR_LF: Final = Reply(
    500, "5.5.2", "Lines end in CR LF; this one held one without the other"
)
NOT_UTF8: Final = Reply(501, "5.5.2", "Commands are in UTF-8")
NO_EHLO_NAME: Final = Reply(501, "5.5.4", "A name is missing behind the command")
NEEDLESS_ARGUMENT: Final = Reply(501, "5.5.4", "This command takes no argument")
ARGUMENT_MISSING: Final = Reply(501, "5.5.4", "This command needs an argument")
NO_EXPN: Final = Reply(502, "5.5.1", "Lists are not expanded here")
# 502, not 454: it was not announced, and 454 would ask the client to try TLS again later.
NO_STARTTLS: Final = Reply(502, "5.5.1", "No TLS here: I2P itself encrypts from end to end")
NO_AUTH: Final = Reply(502, "5.5.1", "Nobody logs in here: this is where other servers bring mail")
NO_TLS_NOW: Final = Reply(502, "5.5.1", "No TLS is to be had now")
TLS_READY: Final = Reply(220, "2.0.0", "Begin TLS")

# Commands at the wrong moment.
EHLO_FIRST: Final = Reply(503, "5.5.1", "Send EHLO first")
AUTH_FIRST: Final = Reply(
    530, "5.7.0", "Log in first: switch on authentication in the mail program"
)
LOGGED_IN_ALREADY: Final = Reply(503, "5.5.1", "Already logged in")
MAIL_FIRST: Final = Reply(503, "5.5.1", "Send MAIL FROM first")
RCPT_FIRST: Final = Reply(503, "5.5.1", "Send RCPT TO first")
NESTED_MAIL: Final = Reply(503, "5.5.1", "A transaction is open already: send RSET to begin anew")
CHUNKS_BEGUN: Final = Reply(
    503, "5.5.1", "The message is coming by BDAT: go on with it or send RSET"
)
CHUNK_THROWN_AWAY: Final = Reply(
    503, "5.5.1", "Chunk thrown away: an earlier one was refused, send RSET to begin anew"
)

# AUTH (RFC 4954).
AUTH_SYNTAX: Final = Reply(501, "5.5.4", "Syntax: AUTH PLAIN or AUTH LOGIN")
UNKNOWN_MECHANISM: Final = Reply(504, "5.5.4", "Only PLAIN and LOGIN are known here")
NOT_BASE64: Final = Reply(501, "5.5.2", "That is not base64")
MALFORMED_RESPONSE: Final = Reply(501, "5.5.2", "A name and a password are needed, neither empty")
FOREIGN_IDENTITY: Final = Reply(
    535, "5.7.8", "The authorization identity has to be the login itself"
)
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_LINE_TOO_LONG: Final = Reply(500, "5.5.6", "Authentication line too long")

# MAIL and RCPT.
MAIL_SYNTAX: Final = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address>")
RCPT_SYNTAX: Final = Reply(501, "5.5.4", "Syntax: RCPT TO:<address>")
BAD_REVERSE_PATH: Final = Reply(501, "5.1.7", "The sender's address is not well-formed")
BAD_FORWARD_PATH: Final = Reply(501, "5.1.3", "The recipient's address is not well-formed")
NEEDS_SMTPUTF8: Final = Reply(553, "5.6.7", "An address beyond ASCII needs SMTPUTF8 at MAIL")
BAD_PARAMETER: Final = Reply(501, "5.5.4", "A parameter is malformed or stands there twice")
UNKNOWN_PARAMETER: Final = Reply(555, "5.5.4", "A parameter is not known here")
TOO_MANY_RECIPIENTS: Final = Reply(
    452, "4.5.3", "Too many recipients: send to the others separately"
)

# The message.
TOO_LARGE: Final = Reply(552, "5.3.4", "The message is larger than SIZE allows")
CONTENT_BARE_CR_OR_LF: Final = Reply(
    554, "5.6.0", "The message holds a CR or LF that stands alone: lines end in CR LF"
)
CONTENT_LINE_TOO_LONG: Final = Reply(
    554, "5.6.0", "The message holds a line that is too long: use quoted-printable or base64"
)

# The end of the session; 421 closes it (RFC 5321 3.8).
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_COMMANDS: Final = Reply(421, "4.7.0", "Too many commands: connect again")
TOO_MANY_MESSAGES: Final = Reply(421, "4.7.0", "Enough messages for one session: connect again")
TOO_MANY_LOGINS: Final = Reply(421, "4.7.0", "Too many wrong passwords")
ENDLESS_CONTENT: Final = Reply(421, "4.3.4", "The message does not end")
BDAT_SYNTAX: Final = Reply(421, "4.5.4", "BDAT needs a size: without it nobody knows what follows")
BEHIND_STARTTLS: Final = Reply(421, "4.7.0", "Nothing may follow STARTTLS before TLS stands")
NOT_THE_WEB: Final = Reply(421, "4.7.0", "This is a mail server")

BAD_LINES: Final = {
    BadLine.TOO_LONG: LINE_TOO_LONG,
    BadLine.BARE_CR_OR_LF: BARE_CR_OR_LF,
}


def helo(name: str) -> bytes:
    """Return the answer to HELO: no extensions, RFC 5321 3.2."""
    return b"250 %b\r\n" % name.encode("ascii")


def ehlo(name: str, message_octets: int, keywords: bytes) -> bytes:
    """Return the answer to EHLO: the extensions, without enhanced codes (RFC 2034 4)."""
    return b"250-%b\r\n250-PIPELINING\r\n250-SIZE %d\r\n%b" % (
        name.encode("ascii"),
        message_octets,
        keywords,
    )
