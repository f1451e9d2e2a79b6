# SPDX-License-Identifier: Apache-2.0
"""`eepost letterbox`: the part that runs on a user's own machine.

Nothing that knows accounts of a server may be imported here, however indirectly.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from eepost.app.letterbox_config import LetterboxHome, OneIdentity, add_identity, open_letterbox
from eepost.app.letterbox_tunnels import tunnels
from eepost.net.clock import utc_stamp
from eepost.net.i2p.tunnels import i2pd_text, java_text
from eepost.observe.journal import Journal

HELP = (
    "The part for your own machine: a trusted proxy for your mail programs, and pages to read and"
    " write mail in a browser.\n\n"
    "Begin with `eepost letterbox init`, then `eepost letterbox serve`, and set your mail program"
    " up as `eepost letterbox show` says. Nothing leaves the machine before it is cleaned, and a"
    " slow route makes nobody wait."
)

Data = Annotated[
    Path, typer.Option("--data", help="The letterbox's directory.", envvar="EEPOST_LETTERBOX")
]

app = typer.Typer(help=HELP, no_args_is_help=True)
standalone = typer.Typer(
    name="eepost", add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True
)
standalone.add_typer(app, name="letterbox")


@app.command("init")
def init(
    data: Data,
    domain: Annotated[
        list[str],
        typer.Option(
            "--domain",
            help="The right side of your address; repeat it, the one inside I2P first.",
        ),
    ],
    smtp: Annotated[
        str,
        typer.Option(
            "--smtp",
            help="The way to the service's SMTP: `port 127.0.0.1:7669`, a client tunnel, or"
            " `socks5 127.0.0.1:4447 smtp.mail.i2p:25`.",
        ),
    ],
    pop3: Annotated[str, typer.Option("--pop3", help="The way to its POP3, in the same form.")],
    identity: Annotated[
        str,
        typer.Option(
            "--identity",
            help="A name for this identity, for yourself alone; a second one gets its own.",
        ),
    ] = "me",
    login: Annotated[
        str, typer.Option("--login", help="What the service wants as a login: name or address.")
    ] = "name",
    listen_smtp: Annotated[
        str, typer.Option("--listen-smtp", help="Where your mail program sends.")
    ] = "127.0.0.1:7659",
    listen_pop3: Annotated[
        str, typer.Option("--listen-pop3", help="Where your mail program fetches.")
    ] = "127.0.0.1:7660",
) -> None:
    """Make a letterbox, or add an identity to it.

    Each identity has its own service, letters, ports and tunnels; they never mix.
    """
    given: dict[str, dict[str, Any]] = {
        "account": {"domains": tuple(each.lower() for each in domain), "login": login},
        "service": {"smtp": smtp, "pop3": pop3},
        "listen": {"smtp": listen_smtp, "pop3": listen_pop3},
    }
    made = add_identity(data, identity, given)
    typer.echo(f"Made identity {made.name}; its settings stand in {made.file}\n")
    _show_identity(made)
    typer.echo(f"\nNext: eepost letterbox serve --data {data}")
    pages = open_letterbox(data).settings.pages.listen
    if pages:
        typer.echo(f"and read and write mail in your browser: http://{pages}/")


@app.command("serve")
def serve(data: Data) -> None:
    """Run it in the foreground until SIGTERM or Ctrl-C."""
    import uvloop  # noqa: PLC0415 - only this command needs it, and those below

    from eepost.app.letterbox import LetterboxRole  # noqa: PLC0415
    from eepost.app.running import serve as run_role  # noqa: PLC0415
    from eepost.app.workers import make_starter, warn_where_less_confined  # noqa: PLC0415

    home = open_letterbox(data)
    journal = Journal(now=utc_stamp if home.settings.log.stamps else None)

    async def announce(running: LetterboxRole) -> None:
        ports = {name: endpoint.port for name, endpoint in running.listening.items()}
        journal.event("serving", **ports)

    with make_starter(home.settings.workers) as starter:
        warn_where_less_confined(journal)
        uvloop.run(run_role(LetterboxRole(home, journal, starter), announce))


@app.command("show")
def show(data: Data) -> None:
    """Check the settings, and show how to set a mail program up."""
    home: LetterboxHome = open_letterbox(data)
    if home.settings.pages.listen:
        typer.echo(f"Pages for your browser: http://{home.settings.pages.listen}/\n")
    for at, each in enumerate(home.identities.values()):
        typer.echo("" if at == 0 else "\n", nl=False)
        _show_identity(each)


@app.command("tunnels")
def show_tunnels(
    data: Data,
    smtp: Annotated[
        str, typer.Argument(help="The service's name for SMTP in I2P: NAME.i2p or NAME.b32.i2p.")
    ],
    pop3: Annotated[
        str, typer.Argument(help="Its name for POP3; the same where it has but one.")
    ] = "",
    identity: Annotated[str, typer.Option("--identity", help="Whose tunnels.")] = "me",
    router: Annotated[str, typer.Option("--router", help="i2pd or java.")] = "i2pd",
) -> None:
    """Print the tunnels that your I2P router needs for an identity."""
    texts = {"i2pd": i2pd_text, "java": java_text}
    home = open_letterbox(data)
    if router not in texts:
        raise typer.BadParameter("is i2pd or java", param_hint="--router")
    if identity not in home.identities:
        raise typer.BadParameter(f"is one of {', '.join(home.identities)}", param_hint="--identity")
    typer.echo(texts[router](tunnels(home.identities[identity], smtp, pop3 or smtp)), nl=False)


def _show_identity(identity: OneIdentity) -> None:
    settings = identity.settings
    login = "your name" if settings.account.login == "name" else "your whole address"
    typer.echo(f"Identity {identity.name}: NAME@{settings.account.domains[0]}")
    typer.echo(f"  the service     smtp {settings.service.smtp}; pop3 {settings.service.pop3}")
    typer.echo(f"  in your mail program: POP3 server {_place(settings.listen.pop3)}, no encryption")
    typer.echo(f"                        SMTP server {_place(settings.listen.smtp)}, no encryption")
    typer.echo(f"                        user {login}, the service's password, for both")


def _place(endpoint: str) -> str:
    host, _, port = endpoint.rpartition(":")
    return f"{host}, port {port}"
