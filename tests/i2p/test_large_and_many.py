# SPDX-License-Identifier: Apache-2.0
"""Ten megabytes at once, and fifty sessions at once."""

import hashlib
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

import pytest

from tests.figures import Figure
from tests.i2p.talk import Talk, fetch, submit
from tests.i2p.village import ALICE, MALLORY, PER_PEER, Village
from tests.office import PostOffice, mail

pytestmark = pytest.mark.interop

SESSIONS = 50


def test_a_message_of_ten_megabytes_goes_and_comes_whole(
    village: Village, post: PostOffice, figure: Figure
) -> None:
    post.add("large-a", "large-b")
    lines = b64encode(Random(3).randbytes(7_300_000))
    body = b"\r\n".join(lines[at : at + 76] for at in range(0, len(lines), 76)).decode()
    message = mail("large-a", "large-b", body + "\r\n")
    assert 9_900_000 < len(message) < 10_485_760
    begun = time.monotonic()
    submit(ALICE.smtp, "large-a", "large-b", message)
    submitted = time.monotonic()
    fetched = b"".join(fetch(ALICE.pop3, "large-b"))
    done = time.monotonic()
    wanted, got = (hashlib.sha256(o.partition(b"\r\n\r\n")[2]) for o in (message, fetched))
    assert got.hexdigest() == wanted.hexdigest()
    megabytes = len(message) / 1e6
    submit_rate, fetch_rate = megabytes / (submitted - begun), megabytes / (done - submitted)
    figure(f"10 MB: submit {submit_rate:.1f} MB/s, fetch {fetch_rate:.1f} MB/s")


def test_fifty_sessions_at_once_each_deliver_their_message_once(
    village: Village, post: PostOffice, figure: Figure
) -> None:
    post.add("many-a", "many-b")

    def one(number: int) -> float:
        begun = time.monotonic()
        message = mail("many-a", "many-b", f"number {number:02}.\r\n")
        submit(ALICE.smtp, "many-a", "many-b", message)
        return time.monotonic() - begun

    with ThreadPoolExecutor(SESSIONS) as pool:
        took = sorted(pool.map(one, range(SESSIONS)))
    bodies = [message.partition(b"\r\n\r\n")[2] for message in post.fetch("many-b")]
    assert sorted(bodies) == [f"number {n:02}.\r\n".encode() for n in range(SESSIONS)]
    figure(f"50 sessions at once: median {took[25]:.2f} s, slowest {took[-1]:.2f} s")


def test_one_destination_that_takes_all_its_sessions_shuts_out_no_other(
    village: Village, post: PostOffice
) -> None:
    with ExitStack() as held:
        greetings = [held.enter_context(Talk(MALLORY.smtp)).reply()[:3] for _ in range(65)]
        assert greetings == [b"220"] * PER_PEER + [b"421"] * (65 - PER_PEER)
        with Talk(ALICE.smtp) as other:
            assert other.reply().startswith(b"220")


def test_places_come_free_again_when_sessions_end(village: Village) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with Talk(MALLORY.smtp) as again:
            if again.reply().startswith(b"220"):
                return
        time.sleep(0.2)
    raise AssertionError("the sessions of a peer that went away still count")
