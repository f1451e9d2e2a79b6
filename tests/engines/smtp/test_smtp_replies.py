# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from eepost.mail.reply import Reply
from eepost.wire.lines import BadLine
from eepost.wire.sasl import Fault
from eepost.wire.smtp import replies
from eepost.wire.smtp.content import FLAW_REPLIES, Flaw
from eepost.wire.smtp.login import FAULT_REPLIES
from eepost.wire.smtp.service import SUBMISSION
from tests.engines.smtp.sessions import read_replies

REPLIES = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}


def test_replies_can_be_enumerated() -> None:
    assert len(REPLIES) > 40


@pytest.mark.parametrize("name", REPLIES)
def test_reply_is_well_formed(name: str) -> None:
    assert read_replies(REPLIES[name].octets) == [REPLIES[name].code]


@pytest.mark.parametrize("name", REPLIES)
def test_reply_tells_no_software_version_or_host(name: str) -> None:
    text = REPLIES[name].text
    assert not re.search(r"eepost|python|\d+\.\d+|@|version", text, re.IGNORECASE)


def test_each_reason_has_its_own_words() -> None:
    texts = [reply.text for reply in REPLIES.values()]
    assert len(texts) == len(set(texts))


def test_every_fault_has_its_reply() -> None:
    assert set(FAULT_REPLIES) == set(Fault)
    assert set(replies.BAD_LINES) == set(BadLine)
    assert set(FLAW_REPLIES) == set(Flaw) - {Flaw.NONE}


def test_ehlo_names_the_mail_domain_and_what_can_be_relied_on() -> None:
    assert replies.ehlo("mail.i2p", 1000, SUBMISSION.keywords).split(b"\r\n") == [
        b"250-mail.i2p",
        b"250-PIPELINING",
        b"250-SIZE 1000",
        b"250-8BITMIME",
        b"250-SMTPUTF8",
        b"250-ENHANCEDSTATUSCODES",
        b"250-DSN",
        b"250-CHUNKING",
        b"250 AUTH PLAIN LOGIN",
        b"",
    ]
