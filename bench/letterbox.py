# SPDX-License-Identifier: Apache-2.0
"""`python -m bench.letterbox`: what a letterbox costs a mail program, and a full one its user.

Prints a table: handing a letter of 4 kB to a running letterbox, and to the post office behind it
without one; then a cabinet of 10,000 letters: opened, listed, searched, read.
"""

import os
import shutil
import smtplib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.letterbox.box import Letterbox
from tests.office import PASSWORD, PostOffice, address, mail

from eepost.letters.changes import Filed, Marked
from eepost.letters.model import Order
from eepost.letters.summarising import summarise
from eepost.local.cabinet import Cabinet

LETTERS = 10_000
ROUNDS = 200
SENT = 60
PAUSE = 0.08  # nobody hands in a letter while the last one is still on its way
BODY = "A line of a letter that has four thousand octets in all.\r\n" * 70
NOW = 1_795_000_000


def main() -> None:
    """Measure, and print a table."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        print("| what | median | 95 % |\n|---|---|---|")
        handing_in(folder)
        keeping(folder)
    finally:
        shutil.rmtree(folder)


def show(what: str, seconds: list[float]) -> None:
    """Print a line of the table."""
    seconds.sort()
    late = seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)]
    print(f"| {what} | {statistics.median(seconds) * 1000:.1f} ms | {late * 1000:.1f} ms |")


def timed(work: Callable[[], object], rounds: int, pause: float = 0.0) -> list[float]:
    """Return how long each of some rounds took, in seconds, each after a pause."""
    took = []
    for _ in range(rounds):
        time.sleep(pause)
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return took


def handing_in(folder: Path) -> None:
    """Measure a submission with a letterbox and without."""
    with PostOffice(folder / "office").create().start() as office:
        office.add("alice", "bob")
        box = Letterbox(folder / "box").add(office.smtp_port, office.pop3_port)
        with box.start(), session(box.smtp_port) as send:
            show("handing 4 kB to the letterbox", timed(send, SENT, PAUSE))
        with session(office.smtp_port) as send:
            show("the same to the post office itself", timed(send, SENT, PAUSE))


@contextmanager
def session(port: int) -> Iterator[Callable[[], object]]:
    """Yield what sends a letter in a session that has begun."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        smtp.login("alice", PASSWORD)
        letter = mail("alice", "bob", BODY)
        yield lambda: smtp.sendmail(address("alice"), [address("bob")], letter)


def keeping(folder: Path) -> None:
    """Measure a full cabinet."""
    place = folder / "cabinet"
    fill(Cabinet.create(place, PASSWORD, os.urandom))

    def reopen() -> None:
        Cabinet.open(place, PASSWORD, os.urandom).close()

    show(f"unlocking {LETTERS:,} letters", timed(reopen, 5))
    cabinet = Cabinet.open(place, PASSWORD, os.urandom)
    shelf = cabinet.shelf

    def look(order: Order, query: str) -> None:
        shelf.apply(Marked((1,), 1, True))  # whatever was sorted before counts for nothing now
        shelf.page("inbox", order, query, 0, 50)

    for order in (Order.NEWEST, Order.AUTHOR):
        show(f"listing them by {order.value}", timed(partial(look, order, ""), 20))
    show("searching them", timed(partial(look, Order.NEWEST, "writer7 letter thousand"), 20))
    show("counting them by folder", timed(shelf.folders, 20))
    show("reading one", timed(partial(cabinet.read, 7), ROUNDS))
    show("keeping one", timed(partial(cabinet.write, 7, [cabinet.read(7)]), ROUNDS))
    cabinet.close()


def fill(cabinet: Cabinet) -> None:
    """Put the letters into it, a hundred in each record."""
    for first in range(1, LETTERS, 100):
        changes = []
        for number in range(first, first + 100):
            letter = mail(f"writer{number % 97}", "alice", f"letter {number}\r\n{BODY}")
            changes.append(Filed(summarise(letter, number, "inbox", NOW + number)))
            if number < 10:
                cabinet.write(number, [letter])
        cabinet.record(changes)
    cabinet.close()


if __name__ == "__main__":
    main()
