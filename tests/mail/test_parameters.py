# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail.parameters import MAX_PARAMETERS, Parameters, parse_parameters, write_parameters
from eepost.mail.violation import PeerViolation

PIECES = [b'"', b"\\", b";", b"=", b"*", b"0", b"'", b"%41", b"name", b" ", b"(", b")", b"\xe9"]
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" TEXT/Plain\r\n", ("text/plain", {})),
        (b"text/plain; charset=UTF-8;", ("text/plain", {"charset": "UTF-8"})),
        (b'a/b;\r\n\tBoundary="x; \\"y\\" z"', ("a/b", {"boundary": 'x; "y" z'})),
        (b"a/b (c); (d) name=x.txt (e)", ("a/b", {"name": "x.txt"})),
        (b"a/b; name=two words.txt; x", ("a/b", {"name": "two words.txt"})),
        (b'a/b; name="C:\\dir\\x"', ("a/b", {"name": "C:\\dir\\x"})),
        (b'a/b; name="unended', ("a/b", {"name": "unended"})),
        (b"a/b; name=one; name=two", ("a/b", {"name": "one"})),
        (b"a/b; name*=utf-8'en'%C3%A9%zz", ("a/b", {"name": "\u00e9%zz"})),
        (b"a/b; name*1=b; name*0=a", ("a/b", {"name": "ab"})),
        (b"a/b; name*0*=iso-8859-1''%E9; name*1=%41; name*2*=%42", ("a/b", {"name": "\u00e9%41B"})),
        (b"a/b; name*=plain", ("a/b", {"name": "plain"})),
        (b'a/b; name="=?utf-8?q?=C3=A9?="', ("a/b", {"name": "\u00e9"})),
        (b'a/b; boundary="a  b"', ("a/b", {"boundary": "a  b"})),
        (b"a/b; *=x; =y", ("a/b", {})),
    ],
)
def test_parameters_are_read_from_whatever_programs_write(
    value: bytes, expected: tuple[str, dict[str, str]]
) -> None:
    assert parse_parameters(value) == Parameters(*expected)


def test_missing_parameter_is_empty() -> None:
    assert parse_parameters(b"a/b").get("charset") == ""


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_no_octets_break_the_reader(value: bytes) -> None:
    for content in parse_parameters(value).by_name.values():
        content.encode("utf-8")


def test_too_many_parameters_are_refused() -> None:
    parse_parameters(b"a/b" + b"; x=y" * (MAX_PARAMETERS - 2))
    with pytest.raises(PeerViolation):
        parse_parameters(b"a/b" + b"; x=y" * (MAX_PARAMETERS + 1))


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("token", b"X: a/b; name=token\r\n"),
        ('two "w\\', b'X: a/b; name="two \\"w\\\\"\r\n'),
        ("\u00e9 x", b"X: a/b; name*=utf-8''%C3%A9%20x\r\n"),
        ("", b"X: a/b\r\n"),
        (
            "\u00e9" * 10,
            b"X: a/b; name*0*=utf-8''" + b"%C3%A9" * 8 + b";\r\n name*1*=%C3%A9%C3%A9\r\n",
        ),
    ],
)
def test_parameters_are_written_in_one_way(content: str, written: bytes) -> None:
    assert write_parameters(b"X", "a/b", [("name", content)]) == written


@given(PRINTABLE)
def test_written_parameters_read_back_and_stay_on_short_lines(content: str) -> None:
    content = parse_parameters(write_parameters(b"X", "a", [("n", content)])[2:]).get("n")
    field = write_parameters(b"Content-Disposition", "attachment", [("filename", content)])
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    assert parse_parameters(field.removeprefix(b"Content-Disposition:")) == Parameters(
        "attachment", {"filename": content}
    )
