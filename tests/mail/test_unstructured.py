# SPDX-License-Identifier: Apache-2.0
import re
import unicodedata
from email.header import decode_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.charset import decode_text, is_known_charset
from eepost.mail.unstructured import (
    decode_unstructured,
    rewrite_unstructured,
    write_unstructured,
)

VISIBLE = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")) | st.just(" "), max_size=200
).map(lambda text: re.sub(" +", " ", text).strip())
PIECES = [
    b"=?",
    b"?=",
    b"utf-8",
    b"?b?",
    b"?Q?",
    b"iso-2022-jp",
    b"=",
    b"4",
    b"\xff",
    b" ",
    b"\r\n",
]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b" plain\r\n", "plain"),
        (b" folded\r\n\t by tab \r\n", "folded by tab"),
        (b" =?utf-8?Q?caf=C3=A9_?= au =?ISO-8859-1*fr?b?bGFpdA=?= \r\n", "caf\u00e9 au lait"),
        (b"=?utf-8?b?w6kh?=\r\n =?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\u00e9!\u00e9"),
        (b"caf\xc3\xa9", "caf\u00e9"),
        (b"caf\xe9 \x80", "caf\u00e9 \u20ac"),
        (b"=?utf-8?b?QQ0KQmNjOiB4?=", "A Bcc: x"),
        (b"=?utf-8?q?a=00b=7F=C2=85c?=", "a b c"),
        (b"=?utf-8?q?ad=E2=80=AEmin=C2=AD?=", "admin"),
        (b"=?x-nonsense?q?caf=C3=A9?=", "caf\u00e9"),
        (b"=?utf-8?x?abc?= =?utf-8?q?unended", "=?utf-8?x?abc?= =?utf-8?q?unended"),
        (b"=?utf-8?b?A?=", ""),
        (b"=?utf-8?q?a=zz?=", "a=zz"),
        (b"=?utf-8?q?a?=b=?utf-8?q?c?=", "abc"),
    ],
)
def test_text_is_read_from_whatever_programs_write(value: bytes, text: str) -> None:
    assert decode_unstructured(value) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", b"Subject: \r\n"),
        ("Hello world", b"Subject: Hello world\r\n"),
        ("caf\u00e9", b"Subject: =?utf-8?b?Y2Fmw6k=?=\r\n"),
        ("a =?b", b"Subject: =?utf-8?b?YSA9P2I=?=\r\n"),
        (
            "x" * 61,
            b"Subject: =?utf-8?b?"
            + b"eHh4" * 12
            + b"?=\r\n =?utf-8?b?"
            + b"eHh4" * 8
            + b"eA==?=\r\n",
        ),
    ],
)
def test_text_is_written_in_one_way(text: str, field: bytes) -> None:
    assert write_unstructured(b"Subject", text) == field


@given(VISIBLE)
def test_written_text_is_short_ascii_lines_and_reads_back(text: str) -> None:
    field = write_unstructured(b"Subject", text)
    assert field.isascii()
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    assert re.fullmatch(rb"Subject: [^\r\n]*(\r\n [^\r\n ]+[^\r\n]*)*\r\n", field)
    text = decode_unstructured(text.encode())
    assert decode_unstructured(field.removeprefix(b"Subject:")) == text


@given(VISIBLE.filter(lambda text: "=?" not in text))
def test_another_reader_reads_the_same(text: str) -> None:
    text = decode_unstructured(text.encode())
    value = write_unstructured(b"Subject", text).decode()[9:]
    read = "".join(
        piece if isinstance(piece, str) else piece.decode(charset or "ascii")
        for piece, charset in decode_header(value.replace("\r\n", ""))
    )
    assert read.strip() == text


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_any_octets_become_text_without_controls(value: bytes) -> None:
    text = decode_unstructured(value)
    assert not any(unicodedata.category(each) == "Cc" for each in text)
    text.encode("utf-8")


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"\xa4", "ISO-8859-15", "\u20ac"),
        (b"\x93q\x94", "us-ascii", "\u201cq\u201d"),
        (b"\x81\x80", "latin1", "\x81\u20ac"),
        (b"\xc3\xa9", "", "\u00e9"),
        (b"\xb0\xa1", "ks_c_5601-1987", "\uac00"),
        (b"\xb0\xa1\xff", "euc-kr", "\uac00\ufffd"),
        (b"+2AA-x", "utf-7", "\ufffdx"),
        (b"+2AA-\xff", "utf-7", "\ufffd\ufffd"),
        (b"\xc3\xa9", "zlib", "\u00e9"),
    ],
)
def test_text_is_decoded_by_the_closed_table(octets: bytes, charset: str, text: str) -> None:
    assert decode_text(octets, charset) == text


def test_every_name_in_the_table_is_one_that_python_knows() -> None:
    from eepost.mail import charset

    for codec in charset._NAMES_BY_CODEC:
        "".encode(codec)
    assert is_known_charset("UTF-8 ")
    assert not is_known_charset("idna")


@given(st.lists(st.sampled_from([*PIECES, b"word", b"  ", b"\t", b"x" * 61, b"y" * 60])))
def test_short_cut_for_plain_text_changes_nothing(pieces: list[bytes]) -> None:
    value = b" " + b"".join(pieces)
    written = write_unstructured(b"Subject", decode_unstructured(value))
    assert rewrite_unstructured(b"Subject", value) in {b"", written}


def test_short_cut_is_for_plain_text() -> None:
    assert rewrite_unstructured(b"Subject", b" two words \r\n") == b"Subject: two words\r\n"
    assert rewrite_unstructured(b"Subject", b" " + b"word " * 20) == b""
