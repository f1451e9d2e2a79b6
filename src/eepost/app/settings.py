# SPDX-License-Identifier: Apache-2.0
"""Every setting with its type, bounds, default and reason: the one place they are described.

The commented configuration that `eepost init` writes and docs/settings.md are made from this.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Mail(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose mail this post office serves."""

    domain: Annotated[
        str,
        _about(
            "The internal domain: what users see inside I2P, the right side of their addresses."
        ),
    ]
    official_domains: Annotated[
        tuple[str, ...],
        _about(
            "Domains under which the same mailboxes are known on the Internet, the current one"
            " first; older ones still receive. Each is as good as the internal domain for login,"
            " sender and recipient, also before any gateway exists."
        ),
    ] = ()
    message_id_domain: Annotated[
        str,
        _about(
            "The right side of every Message-ID, fixed when the post office is made: the official"
            " domain if there is one. Changing it later breaks threads. Empty: the internal domain."
        ),
    ] = ""
    maildrop_octets: Annotated[
        int,
        _about(
            "How much a maildrop holds, in octets as stored. A warning comes at 80 and 95 %.",
            ge=1_000_000,
        ),
    ] = 50_000_000
    in_transit_octets: Annotated[
        int,
        _about(
            "Octets of all messages that are being received at once. Above it new content gets 452:"
            " a few hundred large messages together must not exhaust the memory.",
            ge=16_777_216,
        ),
    ] = 268_435_456


class Smtp(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Submission: where mail programs hand their mail in (RFC 6409)."""

    listen: Annotated[
        str, _about("HOST:PORT, loopback only: the I2P router's server tunnel ends here.")
    ] = "127.0.0.1:7659"
    peers: Annotated[
        Literal["mapped", "none"],
        _about(
            "How a peer is known: `mapped` reads the loopback address 127.x.y.z that the router"
            " makes of a destination; `none` treats everybody alike."
        ),
    ] = "mapped"
    connections: Annotated[
        int,
        _about("Sessions at once; the next one gets 421. About 10 kB of memory each.", ge=1),
    ] = 6_000
    connections_per_peer: Annotated[
        int,
        _about("Sessions at once from one known peer, so that none takes all of them.", ge=1),
    ] = 50
    connections_per_account: Annotated[
        int,
        _about("Sessions at once of one account, so that no user takes all of them.", ge=2),
    ] = 500
    idle_seconds: Annotated[
        int,
        _about("Silence that ends a session (RFC 5321 4.5.3.2.7 asks for 300 or more).", ge=10),
    ] = 300
    login_seconds: Annotated[
        int,
        _about(
            "How long a peer may take to log in; a stranger that keeps a place for hours would"
            " keep it from users. Over I2P a slow login takes half a minute.",
            ge=30,
        ),
    ] = 180
    session_seconds: Annotated[
        int,
        _about(
            "The longest session. A large message over a slow route needs long; a peer that sends"
            " an octet a minute for ever would otherwise keep its place.",
            ge=60,
        ),
    ] = 14_400
    message_octets: Annotated[
        int,
        _about("The largest message as submitted, announced by SIZE (RFC 1870).", ge=65_536),
    ] = 10_485_760
    recipients: Annotated[
        int, _about("Recipients of one message (RFC 5321 4.5.3.1.8: at least 100).", ge=100)
    ] = 200
    command_line_octets: Annotated[
        int,
        _about(
            "The longest command line (RFC 3461 5 asks for 1036, other parameters add).", ge=1036
        ),
    ] = 2_048
    auth_line_octets: Annotated[
        int, _about("The longest line of an AUTH dialogue (RFC 4954 4).", ge=512)
    ] = 12_288
    text_line_octets: Annotated[
        int,
        _about(
            "The longest line in a message. RFC 5321 4.5.3.1.6 asks for 1000; real mail holds"
            " longer ones, and refusing them would only damage mail.",
            ge=1_000,
        ),
    ] = 65_536
    errors: Annotated[
        int,
        _about("Wrong commands after which a session is closed; it only guesses by then.", ge=3),
    ] = 20
    auth_failures: Annotated[
        int, _about("Wrong passwords after which a session is closed.", ge=1)
    ] = 3
    commands: Annotated[int, _about("Commands in one session, so that it ends.", ge=1_000)] = 20_000
    messages: Annotated[int, _about("Messages in one session, so that it ends.", ge=1)] = 1_000


class Pop3(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fetching: where mail programs get their mail (RFC 1939)."""

    listen: Annotated[
        str, _about("HOST:PORT, loopback only: the I2P router's server tunnel ends here.")
    ] = "127.0.0.1:7660"
    peers: Annotated[Literal["mapped", "none"], _about("As for smtp.")] = "mapped"
    connections: Annotated[
        int,
        _about("Sessions at once; the next one gets -ERR. About 10 kB of memory each.", ge=1),
    ] = 6_000
    connections_per_peer: Annotated[
        int,
        _about("Sessions at once from one known peer, so that none takes all of them.", ge=1),
    ] = 50
    connections_per_account: Annotated[
        int,
        _about("Sessions at once of one account, so that no user takes all of them.", ge=2),
    ] = 500
    idle_seconds: Annotated[
        int, _about("Silence that ends a session (RFC 1939 3: at least 600).", ge=600)
    ] = 600
    login_seconds: Annotated[
        int, _about("How long a peer may take to log in, as for smtp.", ge=30)
    ] = 180
    session_seconds: Annotated[int, _about("The longest session.", ge=600)] = 43_200
    command_line_octets: Annotated[
        int, _about("The longest command line (RFC 2449 4: 255).", ge=255)
    ] = 255
    errors: Annotated[int, _about("Wrong commands after which a session is closed.", ge=3)] = 20
    auth_failures: Annotated[
        int, _about("Wrong passwords after which a session is closed.", ge=1)
    ] = 3
    commands: Annotated[
        int,
        _about("Commands in one session; a full maildrop of tiny mails needs 150,000.", ge=10_000),
    ] = 1_000_000
    outgoing_octets: Annotated[
        int,
        _about(
            "Replies that may wait to be sent before the next command is read: six octets of LIST"
            " can be answered with a megabyte.",
            ge=4_096,
        ),
    ] = 65_536


class Portal(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The web pages on which users make and keep their accounts."""

    listen: Annotated[
        str,
        _about(
            "HOST:PORT, loopback only: an HTTP server tunnel of the I2P router ends here. Empty for"
            " no portal."
        ),
    ] = "127.0.0.1:7670"
    peers: Annotated[Literal["mapped", "none"], _about("As for smtp.")] = "mapped"
    policy: Annotated[
        str,
        _about(
            "A Markdown file with the operator's rules, shown as a page; relative to the data"
            " directory. It need not be there."
        ),
    ] = "policy.md"
    gates: Annotated[
        tuple[Literal["captcha", "hashcash", "invitation"], ...],
        _about(
            "What a new account has to pass; each one that is named. `captcha` shows and speaks"
            " digits, `hashcash` wants a stamp, `invitation` a code (eepost account invite)."
        ),
    ] = ("captcha",)
    hashcash_bits: Annotated[
        int,
        _about(
            "Bits of the stamp for a new account; each one more doubles the work.", ge=16, le=40
        ),
    ] = 26
    accounts_per_hour: Annotated[int, _about("New accounts in an hour, of all together.", ge=1)] = (
        30
    )
    accounts_per_hour_and_peer: Annotated[
        int, _about("New accounts in an hour from one known peer.", ge=1)
    ] = 3


class Gateways(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The gateways to and from the Internet; `eepost gateway add` makes them known."""

    listen: Annotated[
        str,
        _about(
            "HOST:PORT, loopback only, for gateways' streams: the I2P router's server tunnel for"
            " the link ends here. Opened once a gateway is known."
        ),
    ] = "127.0.0.1:7662"
    retry_seconds: Annotated[
        float,
        _about(
            "How long a broken link is left alone before it is dialled again; doubles with each"
            " failure, up to a minute.",
            ge=0.1,
            le=600,
        ),
    ] = 5.0
    in_transit_octets: Annotated[
        int,
        _about(
            "Octets of all messages that gateways are bringing at once; above it they are asked to"
            " try again.",
            ge=16_777_216,
        ),
    ] = 134_217_728
    probes_of_a_peer: Annotated[
        int,
        _about(
            "Recipients whom nobody has that one network on the Internet may name in an hour; who"
            " guesses addresses is put off above it.",
            ge=1,
        ),
    ] = 20
    probes_of_a_gateway: Annotated[
        int,
        _about(
            "The same for all networks that come by one gateway; above it the gateway hears yes to"
            " every recipient, and mail for nobody is dropped in silence.",
            ge=10,
        ),
    ] = 1_000


class Outgoing(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mail to the Internet: what an account may send, and how often it is tried."""

    recipients: Annotated[
        int,
        _about(
            "Different Internet recipients of one account in 24 hours, any number of messages to"
            " each. A stolen password should not be worth a spammer's while. Mail to users here is"
            " never counted, at their official addresses neither.",
            ge=1,
        ),
    ] = 20
    messages: Annotated[
        int, _about("Messages to the Internet of one account in 24 hours.", ge=1)
    ] = 200
    stamp_bits: Annotated[
        tuple[int, int, int],
        _about(
            "Bits of a hashcash stamp that give 20, 40 or 80 recipients more for 24 hours. A core"
            " makes one of 20 bits in half a second, of 24 in ten, of 27 in a minute and a half."
        ),
    ] = (20, 24, 27)
    retry_minutes: Annotated[
        tuple[int, ...],
        _about(
            "Waits between attempts; the last one repeats. Greylisting servers ask for five minutes"
            " or more. Up to a fifth is added by chance.",
            min_length=1,
        ),
    ] = (5, 10, 20, 40, 60, 120, 240)
    lifetime_hours: Annotated[
        int,
        _about("After so many hours of waits a message is given up (RFC 5321 4.5.4.1).", ge=1),
    ] = 120
    warn_after_hours: Annotated[
        int, _about("After so many hours of waits its sender hears of the delay, once.", ge=1)
    ] = 4
    at_once: Annotated[
        int,
        _about("Messages that are being handed to gateways at once, over all of them.", ge=1),
    ] = 50
    in_transit_octets: Annotated[
        int,
        _about(
            "Octets of the messages that are being handed to gateways at once; the rest of the"
            " queue stays on the disk.",
            ge=16_777_216,
        ),
    ] = 67_108_864
    queue_octets: Annotated[
        int,
        _about(
            "What all mail that waits to leave may take of the disk; above it a sender is put off,"
            " so that mail between users goes on.",
            ge=16_777_216,
        ),
    ] = 4_000_000_000
    correspondents_months: Annotated[
        int,
        _about(
            "How long it is remembered, as keyed hashes, whom an account wrote to: some accounts"
            " take mail from such people only.",
            ge=1,
            le=120,
        ),
    ] = 12


class Irc(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A bot that tells users on IRC how many new mails they have; docs/notifier.md."""

    way: Annotated[
        str,
        _about(
            "How to reach the IRC server: `port HOST:PORT`, where a client tunnel of the I2P router"
            " or a server on this machine listens, or `socks5 HOST:PORT`, the router's SOCKS5 port."
            " Loopback only. Empty: no bot."
        ),
    ] = ""
    server: Annotated[
        str,
        _about(
            "HOST:PORT of the IRC server as users know it: the portal shows it, and a SOCKS5 port"
            " is asked for it."
        ),
    ] = ""
    nick: Annotated[str, _about("What the bot is called.")] = "eepost"
    login: Annotated[
        Literal["none", "sasl", "nickserv"],
        _about(
            "How the bot logs in to the network's services. Without it, anybody may take its nick"
            " while it is away, and users' tokens with it."
        ),
    ] = "none"
    account: Annotated[
        str, _about("The bot's account with services. Empty: the same as its nick.")
    ] = ""
    password_file: Annotated[
        str,
        _about(
            "A file whose first line is that account's password; relative to the data directory."
        ),
    ] = ""
    lines_a_minute: Annotated[
        int,
        _about(
            "How fast the bot speaks; a notice takes two lines. Servers cut off who is faster than"
            " they like (RFC 2813 5.8: a line in two seconds); who runs the server may allow more.",
            ge=6,
            le=6_000,
        ),
    ] = 30
    retry_seconds: Annotated[
        float,
        _about(
            "How long a server that went away is left alone; doubles each time, up to ten minutes.",
            ge=0.1,
            le=600,
        ),
    ] = 5.0


class Login(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Passwords and what is remembered of them."""

    remembered_seconds: Annotated[
        int,
        _about(
            "How long a right password is remembered in memory, as a keyed hash and wrapped keys,"
            " so that polling costs no Argon2. 0 remembers nothing.",
            ge=0,
            le=3_600,
        ),
    ] = 300
    computations: Annotated[
        int,
        _about("Argon2 computations at once; each takes a core and 19 MiB meanwhile.", ge=1, le=64),
    ] = 2
    waiting: Annotated[
        int,
        _about("Logins that may wait for a computation; further ones are told to come back.", ge=1),
    ] = 200


class Scanner(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Looking for viruses in what is handed in; docs/scanner.md says how to run clamd for it."""

    clamd: Annotated[
        str,
        _about(
            "Where ClamAV's daemon listens: the path of its socket, or HOST:PORT on loopback."
            " Empty: nothing is scanned, and `serve` says so."
        ),
    ] = ""
    when_down: Annotated[
        Literal["defer", "pass"],
        _about(
            "What becomes of mail while the scanner can't be asked: `defer` answers 451 and the"
            " sender tries again; `pass` delivers it unscanned, with a mark in its header."
        ),
    ] = "defer"
    when_over_limits: Annotated[
        Literal["defer", "pass"],
        _about(
            "The same for mail that is too large or packed too deep for the scanner. Its sender"
            " chooses that, so `pass` lets through whatever somebody packs deep enough."
        ),
    ] = "defer"
    seconds: Annotated[
        int,
        _about(
            "For one message, waiting for others included; then the scanner counts as down. More"
            " than clamd's MaxScanTime, so that clamd itself says what took too long.",
            ge=5,
            le=500,
        ),
    ] = 120
    at_once: Annotated[
        int,
        _about(
            "Messages at the scanner at once. Fewer than clamd's MaxThreads; each takes up to"
            " three times the largest message in memory.",
            ge=1,
            le=64,
        ),
    ] = 4
    clamd_conf: Annotated[
        str,
        _about(
            "clamd's configuration: read, never written, to see where it puts plain mail while it"
            " scans, what it is set to miss, and where its signatures belong."
        ),
    ] = "/etc/clamav/clamd.conf"


class Workers(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Processes in which all mail but plain text is cleaned; docs/workers.md."""

    count: Annotated[
        int,
        _about("Workers at once. 0: as many as there are cores, four at most.", ge=0, le=64),
    ] = 0
    memory_octets: Annotated[
        int,
        _about(
            "Memory that a worker may use beyond what it begins with. 10 MB of pictures take 60 MB,"
            " 10 MB of plain text 150 MB; a message that wants more is put off with 451.",
            ge=67_108_864,
        ),
    ] = 268_435_456
    seconds: Annotated[
        int,
        _about(
            "How long one message may take, then its worker is killed and the message put off with"
            " 451. The slowest real one takes under a second on an idle machine.",
            ge=1,
            le=300,
        ),
    ] = 30
    waiting: Annotated[
        int,
        _about(
            "Messages that may wait for a worker; a further one is put off with 451. One account"
            " gets a quarter of the places.",
            ge=4,
        ),
    ] = 200


class StartKey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the start key comes from: it opens account names, tombstones and the queue."""

    source: Annotated[
        Literal["file", "credential", "stdin"],
        _about(
            "`file` reads it from a file, `credential` from systemd (LoadCredential=), `stdin` from"
            " the first line of standard input. Keep it off this machine's disk: with the key"
            " beside the data a seized disk is not silent."
        ),
    ] = "file"
    name: Annotated[
        str,
        _about("The file (relative to the data directory) or the credential's name."),
    ] = "start.key"


class Log(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is written to standard error; never an address, whatever is set here."""

    stamps: Annotated[
        bool, _about("Begin lines with the UTC time. A supervisor's log usually has its own.")
    ] = False
    counts_seconds: Annotated[
        int, _about("How often a line with counters is written; 0 for never.", ge=0)
    ] = 3_600


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole configuration, eepost.toml in the data directory."""

    mail: Mail
    smtp: Smtp = field(default_factory=Smtp)
    pop3: Pop3 = field(default_factory=Pop3)
    portal: Portal = field(default_factory=Portal)
    gateways: Gateways = field(default_factory=Gateways)
    outgoing: Outgoing = field(default_factory=Outgoing)
    irc: Irc = field(default_factory=Irc)
    login: Login = field(default_factory=Login)
    scanner: Scanner = field(default_factory=Scanner)
    workers: Workers = field(default_factory=Workers)
    start_key: StartKey = field(default_factory=StartKey)
    log: Log = field(default_factory=Log)
