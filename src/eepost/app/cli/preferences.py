# SPDX-License-Identifier: Apache-2.0
"""`eepost account set` and `eepost account outgoing`: a user's choices, and what waits to leave."""

from dataclasses import replace
from typing import Annotated

import typer

from eepost.accounts.preferences import MAX_BLOCKED, Delay, InternetMail, Preferences
from eepost.app.cli.options import Data, Name, open_registry, show_rows
from eepost.app.cli.queue import item_number, run_on_queue, state_of, time_of
from eepost.app.office import open_office
from eepost.mail.address import parse_address
from eepost.net.clock import random_octets, wall_seconds
from eepost.queue.item import Item
from eepost.queue.sealing import QueueSealer
from eepost.seal.startkey import StartKey
from eepost.services.mta.inspection import Done, Found, Inspection, Rule, Verb, name_of
from eepost.store.sqlite.queue import SqliteQueue

_SOURCES = {
    "all": InternetMail.FROM_ALL,
    "correspondents": InternetMail.FROM_CORRESPONDENTS,
    "none": InternetMail.FROM_NONE,
}


def set_preferences(
    name: Name,
    data: Data,
    delay: Annotated[
        Delay | None,
        typer.Option(
            "--delay",
            help="When mail to the Internet leaves: at once (none), after 33 to 67 minutes"
            " (defer), or with everybody else's at 00:00 and 12:00 UTC (batch).",
        ),
    ] = None,
    delay_local_copies: Annotated[
        bool | None,
        typer.Option(
            "--delay-local-copies/--no-delay-local-copies",
            help="Let recipients here wait too where a mail also goes to the Internet.",
        ),
    ] = None,
    internet_mail: Annotated[
        str | None,
        typer.Option(
            "--internet-mail",
            help="Whose mail from the Internet is taken: all, correspondents (people written to in"
            " the last months), or none.",
        ),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option("--block", help="Take no mail from this ADDRESS, or from all at @DOMAIN."),
    ] = None,
    unblock: Annotated[
        list[str] | None, typer.Option("--unblock", help="Take mail from there again.")
    ] = None,
) -> None:
    """Change what an account has chosen about its mail; without options, show it."""
    if internet_mail is not None and internet_mail not in _SOURCES:
        raise typer.BadParameter(f"one of {', '.join(_SOURCES)}", param_hint="--internet-mail")
    blocked = [_sender(each) for each in block or ()]
    unblocked = {each.lower() for each in unblock or ()}

    def change(old: Preferences) -> Preferences:
        kept = [each for each in (*old.blocked, *blocked) if each not in unblocked]
        return replace(
            old,
            delay=delay or old.delay,
            delays_local_copies=(
                old.delays_local_copies if delay_local_copies is None else delay_local_copies
            ),
            internet_mail=_SOURCES[internet_mail] if internet_mail else old.internet_mail,
            blocked=_bounded(tuple(dict.fromkeys(kept))),
        )

    _, store, registry = open_registry(data)
    try:
        registry.adjust(name, change)
        _show(registry.find(name).preferences)
    finally:
        store.close()


def outgoing(
    name: Name,
    data: Data,
    cancel: Annotated[
        list[str] | None,
        typer.Option("--cancel", help="Take this message back; it has not left yet."),
    ] = None,
) -> None:
    """Show what an account has on its way to the Internet, and take some of it back."""
    office = open_office(data)

    async def work(queue: SqliteQueue, key: StartKey) -> tuple[list[Found], Done]:
        inspection = Inspection(queue, QueueSealer(key, random_octets), wall_seconds)
        done = Done()
        for number in cancel or ():
            mine = Rule(account=name.lower(), number=item_number(number), has_not_left=True)
            taken = await inspection.change(mine, Verb.DROP)
            done.changed += taken.changed
        rule = Rule(account=name.lower())
        return [each async for each in inspection.find(rule)], done

    found, done = run_on_queue(office, work)
    if cancel:
        typer.echo(f"{done.changed} taken back.")
    found.sort(key=lambda each: each.stored.due)
    show_rows(
        ["number", "state", "accepted (UTC)", "leaves (UTC)", "to"],
        [_row(each, each.item) for each in found if each.item],
    )


def _row(found: Found, item: Item) -> list[str]:
    return [
        name_of(item.number),
        state_of(found, item),
        time_of(item.accepted_utc // 60),
        time_of(item.due),
        ", ".join(str(forward.address) for forward in item.forwards),
    ]


def _sender(text: str) -> str:
    whole = f"anybody{text}" if text.startswith("@") else text
    if parse_address(whole) is None:
        raise typer.BadParameter("an address, or @ and a domain", param_hint="--block")
    return text.lower()


def _bounded(blocked: tuple[str, ...]) -> tuple[str, ...]:
    if len(blocked) > MAX_BLOCKED:
        raise typer.BadParameter(f"{MAX_BLOCKED} at most", param_hint="--block")
    return blocked


def _show(chosen: Preferences) -> None:
    typer.echo(f"delay               {chosen.delay.value}")
    typer.echo(f"delay local copies  {'yes' if chosen.delays_local_copies else 'no'}")
    typer.echo(f"internet mail       {chosen.internet_mail.value}")
    typer.echo(f"blocked             {', '.join(chosen.blocked) or 'nobody'}")
