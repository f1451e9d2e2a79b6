# SPDX-License-Identifier: Apache-2.0
"""People who want no mail from here, and how fast a gateway can make them more."""

from eepost.mail.address import Address
from eepost.services.mta.opt_outs import BY_MAIL_IN_AN_HOUR, OptOuts
from tests.services.relaying import Office


def person(number: int) -> Address:
    return Address(f"p{number}", "far.example")


async def test_gateway_in_foreign_hands_can_not_shut_out_the_whole_internet() -> None:
    office = Office()
    outs = office.desk.opt_outs
    assert isinstance(outs, OptOuts)
    noted = [await outs.note(person(at)) for at in range(BY_MAIL_IN_AN_HOUR + 5)]
    assert noted == [True] * BY_MAIL_IN_AN_HOUR + [False] * 5
    assert await outs.has(person(0))
    assert not await outs.has(person(BY_MAIL_IN_AN_HOUR))
    assert await outs.note(person(0)), "who is on the list already costs nothing"
    office.pass_time(3_600)
    assert await outs.note(person(BY_MAIL_IN_AN_HOUR))
    assert await outs.has(person(BY_MAIL_IN_AN_HOUR))
