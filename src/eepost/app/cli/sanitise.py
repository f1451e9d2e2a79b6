# SPDX-License-Identifier: Apache-2.0
"""`eepost sanitise`: what the sanitiser makes of messages in files, without a post office."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import track

from eepost.mail.address import Address, parse_address

if TYPE_CHECKING:
    from eepost.app.sanitise_folder import Policy as PolicyName
    from eepost.app.sanitise_folder import Sanitise

Source = Annotated[Path, typer.Argument(help="A message, or a folder of .eml files.", exists=True)]
Target = Annotated[
    Path | None,
    typer.Argument(
        help="Where to write: a file, or a folder, in which results have the same relative names;"
        " NAME.refused holds why a message may not pass. Needed for a folder."
    ),
]
Policy = Annotated[
    str,
    typer.Option(
        "--policy",
        help="from_user (what a user submits), to_internet (what a gateway lets out),"
        " from_internet (what a gateway lets in) or to_user (what a user gets).",
    ),
]
Account = Annotated[
    str, typer.Option("--account", help="The user's address; From has to be this one.")
]
Official = Annotated[
    str | None,
    typer.Option(
        "--official",
        help="The official domain: from_user then gives what would leave for the Internet.",
    ),
]
# Shorter runs are over before anybody reads how far they are.
_MESSAGES_WITHOUT_PROGRESS = 50


def sanitise(
    source: Source,
    target: Target = None,
    policy: Policy = "from_user",
    account: Account = "alice@mail.i2p",
    official: Official = None,
) -> None:
    """Show what becomes of a message, or sanitise a whole folder of them.

    Needs no post office. A message is shown before and after, with a report; with TARGET it is
    written there instead. Exit code 1 if a single message is refused.
    """
    # Only this command needs them: nh3 and pikepdf take a moment to load.
    from eepost.app import sanitise_folder as folder  # noqa: PLC0415

    try:
        chosen = folder.Policy(policy)
    except ValueError:
        names = ", ".join(each.value for each in folder.Policy)
        raise typer.BadParameter(f"one of {names}", param_hint="--policy") from None
    rule = folder.make_policy(chosen, _address(account), _domain(official))
    if source.is_dir():
        _sanitise_folder(source, target, chosen, rule)
    else:
        _sanitise_file(source, target, chosen, rule)


def _address(text: str) -> Address:
    address = parse_address(text)
    if address is None or not address.domain:
        raise typer.BadParameter("is no address", param_hint="--account")
    return Address(address.local_part.lower(), address.domain)


def _domain(text: str | None) -> str | None:
    if text is None:
        return None
    if parse_address(f"a@{text}") is None:
        raise typer.BadParameter("is no domain", param_hint="--official")
    return text.lower()


def _sanitise_folder(
    source: Path, target: Path | None, policy: "PolicyName", rule: "Sanitise"
) -> None:
    from eepost.app.comparison import show_report  # noqa: PLC0415 - as above
    from eepost.app.sanitise_folder import messages_in, sanitise_files  # noqa: PLC0415

    if target is None:
        raise typer.BadParameter("a folder needs one to write to", param_hint="TARGET")
    if target.resolve().is_relative_to(source.resolve()):
        raise typer.BadParameter("is in the folder to read from", param_hint="TARGET")
    if target.exists() and not target.is_dir():
        raise typer.BadParameter("is a file; a folder needs one to write to", param_hint="TARGET")
    found = messages_in(source)
    if not found:
        raise typer.BadParameter(f"no .eml file is in {source}", param_hint="SOURCE")
    pairs = [(path, target / path.relative_to(source)) for path in found]
    report = sanitise_files(_with_progress(pairs), policy, rule)
    console = Console()
    console.print(f"{report.passed:,} passed, {report.refused:,} refused.", highlight=False)
    for text, count in report.replies.most_common():
        console.print(f"  refused {count:,}: {text}", highlight=False)
    show_report(console, report.report)


def _with_progress(pairs: list[tuple[Path, Path]]) -> Iterable[tuple[Path, Path]]:
    if len(pairs) <= _MESSAGES_WITHOUT_PROGRESS or not sys.stderr.isatty():
        return pairs
    return track(pairs, "sanitising", console=Console(stderr=True), transient=True)


def _sanitise_file(
    source: Path, target: Path | None, policy: "PolicyName", rule: "Sanitise"
) -> None:
    from eepost.app.comparison import show_comparison, show_report  # noqa: PLC0415 - as above
    from eepost.app.sanitise_folder import Policy, read_message, write_outcome  # noqa: PLC0415
    from eepost.sanitise.outcome import Refused  # noqa: PLC0415
    from eepost.sanitise.words import ALWAYS  # noqa: PLC0415

    if target is not None and target.is_dir():
        target = target / source.name
    if target is not None and target.resolve() == source.resolve():
        raise typer.BadParameter("is the message itself", param_hint="TARGET")
    before = read_message(source.read_bytes(), policy)
    outcome = rule(before)
    console = Console()
    if target is not None:
        write_outcome(outcome, target)
    elif not isinstance(outcome, Refused):
        show_comparison(console, before, b"".join(outcome.pieces))
    is_sent = policy is Policy.FROM_USER and not isinstance(outcome, Refused)
    show_report(console, outcome.report, ALWAYS if is_sent else "")
    if isinstance(outcome, Refused):
        reply = outcome.reply
        console.print(f"Refused: {reply.code} {reply.enhanced} {reply.text}", style="bold red")
        raise typer.Exit(1)
