# SPDX-License-Identifier: Apache-2.0
"""`eepost queue`: what waits to leave. Works while the post office runs.

Shows no address unless asked: a look at the queue need not be a look at who writes to whom.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from eepost.app.cli.options import Data, Yes, confirm, show_rows
from eepost.app.office import Office, open_office
from eepost.app.outgoing import opt_out_tag
from eepost.mail.address import Address, parse_address
from eepost.net.clock import random_octets, wall_seconds
from eepost.queue.item import Item, State
from eepost.queue.sealing import QueueSealer
from eepost.seal.startkey import StartKey
from eepost.services.mta.inspection import Found, Inspection, Rule, Verb, name_of
from eepost.store.sqlite.queue import SqliteQueue

T = TypeVar("T")

app = typer.Typer(
    help=(
        "Look at what waits to leave for the Internet, and act on it, also while the post office"
        " runs. Shows no addresses unless asked to.\n\n"
        "Items are chosen by their number (or how it begins) and by rules; given together, all"
        " have to fit. What is being handed to a gateway at this moment can't be changed."
    ),
    no_args_is_help=True,
)
Numbers = Annotated[
    list[str] | None, typer.Argument(help="Items, as `eepost queue list` shows them.")
]
Account = Annotated[
    str | None, typer.Option("--account", help="Only what this account sent; its name.")
]
To = Annotated[
    str | None,
    typer.Option("--to", help="Only what waits for this address, or for anybody at @DOMAIN."),
]
OlderThan = Annotated[
    float | None, typer.Option("--older-than", help="Only what was accepted so many hours ago.")
]
Held = Annotated[bool, typer.Option("--held", help="Only what is held.")]
All = Annotated[bool, typer.Option("--all", help="Everything that waits.")]
Addresses = Annotated[
    bool, typer.Option("--addresses", help="Show who sent it and who is to get it.")
]
Person = Annotated[str, typer.Argument(help="The address of somebody on the Internet.")]


@app.command("list")
def list_items(
    data: Data,
    account: Account = None,
    to: To = None,
    older_than: OlderThan = None,
    held: Held = False,
    addresses: Addresses = False,
) -> None:
    """List what waits: number, how it stands, when it is due, how many wait of how many."""
    rule = _rule(None, account, to, older_than, held)
    found = _with_queue(data, lambda each: _collect(each, rule))
    heads = ["number", "state", "due (UTC)", "attempts", "waiting", "octets"]
    show_rows(
        [*heads, "from", "to"] if addresses else heads, [_row(each, addresses) for each in found]
    )


@app.command("show")
def show(
    number: Annotated[str, typer.Argument()], data: Data, addresses: Addresses = False
) -> None:
    """Show one item with what became of each recipient so far."""
    found = _with_queue(data, lambda each: _collect(each, Rule(number=item_number(number))))
    if len(found) != 1:
        raise typer.BadParameter("no item, or several, are called so", param_hint="NUMBER")
    _show(found[0], addresses)


@app.command("refuse")
def refuse(address: Person, data: Data) -> None:
    """Send nothing more to a person who asked for that; kept as a keyed hash."""
    _opt_out(data, address, is_out=True)
    typer.echo("Nothing is sent to this address any more, what waits for it neither.")


@app.command("accept")
def accept(address: Person, data: Data) -> None:
    """Let mail go to a person again who was refused before."""
    _opt_out(data, address, is_out=False)
    typer.echo("Mail may go to this address.")


def _act(verb: Verb, question: str = "") -> Callable[..., None]:
    """Return a command that does `verb` to the items that its arguments choose."""

    def act(
        data: Data,
        numbers: Numbers = None,
        account: Account = None,
        to: To = None,
        older_than: OlderThan = None,
        held: Held = False,
        everything: All = False,
        yes: Yes = False,
    ) -> None:
        chosen: Sequence[str | None] = numbers or [None]
        rules = [_rule(number, account, to, older_than, held) for number in chosen]
        if rules == [Rule()] and not everything:
            raise typer.BadParameter("name items or rules, or say --all")
        if question:
            confirm(question, yes)
        for rule in rules:
            done = _with_queue(data, partial(Inspection.change, rule=rule, verb=verb))
            typer.echo(f"{done.changed} {verb.value}.")
            if done.leaving:
                typer.echo(f"{done.leaving} could not be: they are leaving at this moment.")

    return act


for _name, _verb, _question, _help in (
    ("hold", Verb.HOLD, "", "Keep items until they are released; they don't age meanwhile."),
    ("release", Verb.RELEASE, "", "Let items that were held go on as planned."),
    ("retry", Verb.RETRY, "", "Let items leave, or be tried again, now."),
    (
        "cancel",
        Verb.CANCEL,
        "End these items and tell their senders?",
        "End items for all who wait, and tell their senders by a report.",
    ),
    (
        "drop",
        Verb.DROP,
        "Delete these items without a word to anybody?",
        "Delete items without a word to anybody: spam, for instance.",
    ),
):
    app.command(_name, help=_help)(_act(_verb, _question))


def _with_queue(data: Path, work: Callable[[Inspection], Awaitable[T]]) -> T:
    async def inspect(queue: SqliteQueue, key: StartKey) -> T:
        return await work(Inspection(queue, QueueSealer(key, random_octets), wall_seconds))

    return run_on_queue(open_office(data), inspect)


def run_on_queue(office: Office, work: Callable[[SqliteQueue, StartKey], Awaitable[T]]) -> T:
    """Open a post office's queue for `work`, in a loop of its own."""

    async def run() -> T:
        key = office.start_key()
        store = office.open_store(key)
        store.start(asyncio.get_running_loop())
        try:
            return await work(store.queue, key)
        finally:
            await store.stop()

    return asyncio.run(run())


async def _collect(inspection: Inspection, rule: Rule) -> list[Found]:
    found = [each async for each in inspection.find(rule)]
    return sorted(found, key=lambda each: each.stored.due)


def _opt_out(data: Path, address: str, *, is_out: bool) -> None:
    person = _address(address)

    async def note(queue: SqliteQueue, key: StartKey) -> None:
        await queue.opt_out(opt_out_tag(key, person), is_out)

    run_on_queue(open_office(data), note)


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise typer.BadParameter("is no address", param_hint="ADDRESS")
    return address


def _rule(
    number: str | None, account: str | None, to: str | None, older_than: float | None, held: bool
) -> Rule:
    return Rule(
        account.lower() if account else None,
        to.lower() if to else None,
        None if older_than is None else older_than * 3_600,
        None if number is None else item_number(number),
        held,
    )


def item_number(text: str) -> str:
    """Return how an item's number begins; short ones could mean another item tomorrow."""
    digits = text.lower()
    if len(digits) < 4 or not set(digits) <= set("0123456789abcdef"):
        raise typer.BadParameter("an item's number is 4 to 16 hexadecimal digits")
    return digits


def _row(found: Found, addresses: bool) -> list[str]:
    item = found.item
    if item is None:
        return [name_of(found.stored.number), "damaged"]
    waiting = [each for each in item.forwards if each.state is State.WAITING]
    row = [
        name_of(item.number),
        state_of(found, item),
        time_of(item.due),
        str(item.attempt),
        f"{len(waiting)} of {len(item.forwards)}",
        str(item.size_octets),
    ]
    if addresses:
        row += [item.name, ", ".join(str(each.address) for each in item.forwards)]
    return row


def state_of(found: Found, item: Item) -> str:
    """Return how an item stands, in a word or two."""
    if found.is_leaving:
        return "leaving now"
    if item.is_held:
        return "held"
    if not item.waiting:
        return "report waits"  # there is no room for it in the sender's maildrop
    return "tried before" if item.attempt else item.departure.value


def time_of(minute: int) -> str:
    """Return a minute since 1970 as people read it."""
    return datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%d %H:%M")


def _show(found: Found, addresses: bool) -> None:
    item = found.item
    typer.echo(f"number    {name_of(found.stored.number)}")
    if item is None:
        typer.echo("state     damaged: it can only be dropped")
        return
    typer.echo(f"state     {state_of(found, item)}")
    typer.echo(f"accepted  {time_of(item.accepted_utc // 60)} UTC")
    typer.echo(f"leaves    {time_of(item.departs)} UTC")
    typer.echo(f"due       {time_of(item.due)} UTC")
    typer.echo(f"attempts  {item.attempt}" + (f", last by {item.gateway}" if item.gateway else ""))
    typer.echo(f"octets    {item.size_octets}")
    if addresses:
        typer.echo(f"account   {item.name}")
    for at, each in enumerate(item.forwards, 1):
        who = f"  {each.address}" if addresses else ""
        where = "  here" if each.is_local else ""
        typer.echo(f"{at:>8}  {each.state.value}  {each.status or '-'}{where}{who}")
