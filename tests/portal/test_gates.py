# SPDX-License-Identifier: Apache-2.0
"""What stands before a new account, each gate and all together."""

import asyncio
import io
import re
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from PIL import Image

from eepost.accounts.invitations import Invitations
from eepost.services.portal.gates import (
    CAPTCHA_SECONDS,
    HOUR_SECONDS,
    MAX_DRAWN,
    MAX_UNDER_WAY,
    Captchas,
    Gates,
    Rate,
    Shut,
)
from tests.office import PostOffice
from tests.portal.browser import Answer, Browser

WORDS = "seven quiet walruses"


@pytest.fixture
def open_office(tmp_path: Path) -> Iterator[Callable[..., PostOffice]]:
    offices: list[PostOffice] = []

    def start(**portal: object) -> PostOffice:
        office = PostOffice(tmp_path / "office", {"portal": {"gates": (), **portal}}).create()
        offices.append(office)
        return office.start()

    yield start
    for each in offices:
        each.kill()


def create(office: PostOffice, name: str, browser: Browser | None = None, **more: str) -> Answer:
    browser = browser or Browser(office.portal_port)
    return browser.submit("/create", name=name, password=WORDS, again=WORDS, **more)


def invitations(office: PostOffice, count: int) -> list[str]:
    command = [sys.executable, "-m", "eepost", "account", "invite", "--count", str(count)]
    done = subprocess.run(
        [*command, "--data", str(office.directory)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_digits_are_drawn_and_spoken_and_wrong_ones_make_no_account(
    open_office: Callable[..., PostOffice],
) -> None:
    office = open_office(gates=("captcha",))
    browser = Browser(office.portal_port)
    page = browser.get("/create").text
    assert '<img src="/digits.png"' in page
    with Image.open(io.BytesIO(browser.request("GET", "/digits.png").octets)) as picture:
        assert picture.size == (200, 70)
    with wave.open(io.BytesIO(browser.request("GET", "/digits.wav").octets)) as sound:
        assert sound.getnframes() / sound.getframerate() > 2
    answer = create(office, "carol", browser, digits="00000")
    if "Your recovery code" not in answer.text:  # once in a hundred thousand runs they are right
        assert "These were not the digits." in answer.text
        with office.registry() as registry, pytest.raises(Exception, match=r"^$"):
            registry.find("carol")
    assert Browser(office.portal_port).request("GET", "/digits.png").status == 404


def test_stamp_made_by_hashcash_opens_the_gate_for_its_name_alone(
    open_office: Callable[..., PostOffice],
) -> None:
    office = open_office(gates=("hashcash",), hashcash_bits=16)
    made = ["hashcash", "-mq", "-b", "16", "carol@mail.i2p"]
    stamp = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
    assert "no stamp of 16 bits for dave@mail.i2p" in create(office, "dave", stamp=stamp).text
    assert "no stamp" in create(office, "carol", stamp="1:16:nonsense").text
    assert "Your recovery code" in create(office, "carol", stamp=stamp).text


def test_invitation_makes_one_account(open_office: Callable[..., PostOffice]) -> None:
    office = open_office(gates=("invitation",))
    first, second = invitations(office, 2)
    assert "no invitation" in create(office, "carol", invitation="x").text
    forged = first[:-1] + ("a" if first[-1] != "a" else "b")
    assert "no invitation" in create(office, "carol", invitation=forged).text
    assert "Your recovery code" in create(office, "carol", invitation=first.upper()).text
    assert "used already" in create(office, "dave", invitation=first).text
    assert "Your recovery code" in create(office, "dave", invitation=second).text


def test_rate_refuses_honestly(open_office: Callable[..., PostOffice]) -> None:
    office = open_office(accounts_per_hour=2)
    assert [create(office, name).status for name in ("carol", "dave", "erin")] == [200, 200, 422]
    text = create(office, "erin").text
    assert re.search("no fault of yours", text)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_digits_are_good_for_one_try_and_not_for_ever() -> None:
    clock = Clock()
    captchas = Captchas(clock, lambda count: bytes(count - 1) + b"\x07")
    assert captchas.ask(b"browser") == "00007"
    assert not captchas.passes(b"another", "00007")
    assert not captchas.passes(b"browser", "00008")
    assert not captchas.passes(b"browser", "00007")
    captchas.ask(b"browser")
    assert captchas.passes(b"browser", " 000 07")
    captchas.ask(b"browser")
    clock.now += CAPTCHA_SECONDS + 1
    assert not captchas.passes(b"browser", "00007")


def test_too_many_at_once_are_told_so() -> None:
    clock = Clock()
    gates = Gates(
        frozenset(),
        Captchas(clock, bytes),
        Invitations(bytes(32)),
        20,
        Rate(9, clock),
        Rate(9, clock),
    )
    with ExitStack() as turns:
        for _ in range(MAX_UNDER_WAY):
            turns.enter_context(gates.turn())
        with pytest.raises(Shut), gates.turn():
            pass
    with gates.turn():
        pass


async def test_digits_are_drawn_one_at_a_time_and_few_wait() -> None:
    clock = Clock()
    gates = Gates(
        frozenset(),
        Captchas(clock, bytes),
        Invitations(bytes(32)),
        20,
        Rate(9, clock),
        Rate(9, clock),
    )
    drawing = 0

    async def draw() -> None:
        nonlocal drawing
        async with gates.pen():
            drawing += 1
            assert drawing == 1
            await asyncio.sleep(0)
            drawing -= 1

    drawn = await asyncio.gather(*(draw() for _ in range(MAX_DRAWN + 3)), return_exceptions=True)
    assert [type(each) for each in drawn if each is not None] == [Shut] * 3
    await draw()


def test_rate_fills_evenly() -> None:
    clock = Clock()
    rate = Rate(2, clock)
    for _ in range(2):
        assert rate.is_free(b"peer")
        rate.take(b"peer")
    assert not rate.is_free(b"peer")
    assert rate.is_free(b"another")
    clock.now += HOUR_SECONDS / 2
    assert rate.is_free(b"peer")
