# SPDX-License-Identifier: Apache-2.0
import base64
import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.mail import transfer
from eepost.mail.charset import codec_names, decode_text
from eepost.mail.flowed import unwrap_flowed
from eepost.mail.transfer import (
    decode_base64,
    decode_transfer,
    encode_base64,
    encode_quoted_printable,
)
from eepost.sanitise.armor import strip_armor_headers
from eepost.sanitise.html import (
    OUTBOUND,
    declared_charset,
    rebuild_html,
)
from eepost.sanitise.html_cost import HtmlAllowance
from eepost.sanitise.html_words import extract_text
from eepost.sanitise.names import MAX_NAME_CHARACTERS, file_name, file_type, is_type
from eepost.sanitise.records import (
    rebuild_calendar,
    rebuild_card,
    rebuild_delivery_status,
)
from eepost.sanitise.text import Encoded, encode_text, rebuild_clear_signed, rebuild_text


@pytest.mark.parametrize(
    ("lines", "unwrapped"),
    [
        (["one ", "two"], ["one two"]),
        (["one", "", "two"], ["one", "", "two"]),
        (["one ", "-- ", "two"], ["one ", "-- ", "two"]),
        (["> one ", "> two", "three"], ["> one two", "three"]),
        (["> one ", "two"], ["> one ", "two"]),
        ([">>one"], [">> one"]),
        (["> one"], ["> one"]),
        ([" stuffed", " >not quoted"], ["stuffed", ">not quoted"]),
        (["> ", "> one"], ["> ", "> one"]),
        (["open "], ["open "]),
        (["> open "], ["> open "]),
        ([], [""]),
    ],
)
def test_flowed_text_is_unwrapped(lines: list[str], unwrapped: list[str]) -> None:
    octets = [line.encode() for line in lines]
    found = unwrap_flowed(octets, deletes_space=False)
    assert [line.decode() for line in found] == unwrapped


@pytest.mark.parametrize(
    ("lines", "unwrapped"),
    [(["\u65e5 ", "\u672c"], ["\u65e5\u672c"]), ([">\u65e5 ", ">\u672c"], ["> \u65e5\u672c"])],
)
def test_soft_breaks_may_be_no_spaces(lines: list[str], unwrapped: list[str]) -> None:
    octets = [line.encode() for line in lines]
    found = unwrap_flowed(octets, deletes_space=True)
    assert [line.decode() for line in found] == unwrapped


@pytest.mark.parametrize(
    ("content", "charset", "text"),
    [
        (
            b"\r\n\r\none  \r\n\ttwo\t\r\n-- \r\nthree\r\n\r\n",
            "",
            "one\n\ttwo\n-- \nthree\n",
        ),
        (b"one\rtwo\nthree", "", "one\ntwo\nthree\n"),
        (b"", "", "\n"),
        (b"a\xe9\xa0\x07b", "", "a\u00e9 b\n"),
        (b"\xef\xbb\xbfa\xe2\x80\xa8b", "utf-8", "a\nb\n"),
        (b"\xe6\x97\xa5\xe3\x80\x80\r\n-- \r\nb", "utf-8", "\u65e5\n-- \nb\n"),
        (b"\xc4\xe3", "gb2312", "\u4f60\n"),
    ],
)
def test_text_becomes_tidy_utf8(content: bytes, charset: str, text: str) -> None:
    assert rebuild_text(content, charset) == text.replace("\n", "\r\n").encode()


def plainly(content: bytes, charset: str, *, is_flowed: bool, deletes_space: bool) -> bytes:
    """What rebuild_text does, in the words of RFC 3676 and without its short cuts."""
    text = decode_text(content, charset)
    for gone in (*map(chr, [*range(9), 11, *range(14, 32), 127]), "\xad", "\ufeff"):
        text = text.replace(gone, "")
    for end in ("\f", "\x85", "\u2028", "\u2029", "\r\n", "\r"):
        text = text.replace(end, "\n")
    text = re.sub("[\x80-\x9f\ufff9-\ufffb]", "", text.replace("\xa0", " "))
    lines: list[str] = []
    before: tuple[int, bool] | None = None
    for line in text.split("\n"):
        if not is_flowed:
            lines.append(line)
            continue
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words[1:] if words.startswith(" ") else words
        mark = ">" * depth + " " if depth else ""
        goes_on = before == (depth, True) and words != "-- "
        is_soft = words.endswith(" ") and words != "-- "
        words = words[:-1] if is_soft and deletes_space else words
        lines[-1:] = [lines[-1] + words] if goes_on else [*lines[-1:], mark + words]
        before = depth, is_soft
    kept = []
    in_patch = False
    for line in lines:
        in_patch = in_patch or line.startswith(("@@ -", "diff --git "))
        kept.append(line if in_patch or line == "-- " else line.rstrip())
    return ("\r\n".join(kept).strip("\r\n") + "\r\n").encode()


PIECES = [
    *("word", " ", "\n", "\n", "\r\n", "\r\n", "\t", ">", "> ", "-- ", "\n-- \n", ".", "=", "\r"),
    *("\x0c", "\x85", "\xa0", "\xad", "\u3000", "\u2003", "\u2028", "\ufeff", "\x00", "\x7f"),
    *(
        "@@ -",
        "diff --git ",
        "\u00e9",
        "\u0416",
        "\u65e5",
        "\U0001f600",
        "x" * 80,
        "\u200b",
        "\x1c",
    ),
]


@given(
    st.lists(st.sampled_from(PIECES)),
    st.sampled_from(["utf-8", "utf-16", ""]),
    *[st.booleans()] * 2,
)
def test_short_cuts_for_text_change_nothing(
    pieces: list[str], charset: str, is_flowed: bool, deletes_space: bool
) -> None:
    if is_flowed:  # a patch does not flow
        pieces = [piece for piece in pieces if piece not in {"@@ -", "diff --git "}]
    content = "".join(pieces).encode(charset or "utf-8")
    made = rebuild_text(content, charset, is_flowed=is_flowed, deletes_space=deletes_space)
    assert made == plainly(content, charset, is_flowed=is_flowed, deletes_space=deletes_space)


def test_every_blank_beyond_ascii_is_looked_for() -> None:
    for blank in (chr(at) for at in range(0x80, 0x110000) if chr(at).isspace()):
        content = f"a{blank}\r\nb".encode()
        assert rebuild_text(content) in {b"a\r\nb\r\n", b"a\r\n\r\nb\r\n"}


ARMORED = (
    b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nwords  \r\n"
    b"-----BEGIN PGP SIGNATURE-----\r\nVersion: X 1.0\r\nComment: c\r\n\r\nabc\r\n"
    b"-----END PGP SIGNATURE-----\r\n"
)


def test_patch_keeps_its_trailing_blanks() -> None:
    content = b"words @@ - \r\n@@ -1 +1 @@\r\n-a \r\n+b\r\n \r\n"
    assert rebuild_text(content) == b"words @@ -\r\n@@ -1 +1 @@\r\n-a \r\n+b\r\n \r\n"


def test_clear_signed_text_keeps_every_octet_but_the_programs_lines() -> None:
    expected = ARMORED.replace(b"Version: X 1.0\r\nComment: c\r\n", b"")
    assert strip_armor_headers(ARMORED) == expected
    assert rebuild_clear_signed(expected, "utf-8") == ("utf-8", expected)
    assert strip_armor_headers(b"no armor") == b"no armor"
    content = ARMORED.removesuffix(b"\r\n") + b"\xe9"
    assert rebuild_clear_signed(content, "ISO-8859-1")[0] == "iso-8859-1"
    assert rebuild_clear_signed(content, "")[0] == "windows-1252"


@pytest.mark.parametrize(
    ("octets", "encoding"),
    [
        (b"x" * 76 + b"\r\n", b"7bit"),
        (b"x" * 77 + b"\r\n", b"quoted-printable"),
        ("caf\u00e9 au lait, merci\r\n".encode(), b"quoted-printable"),
        ("\u65e5\u672c\u8a9e\r\n".encode(), b"base64"),
    ],
)
def test_encoding_follows_from_the_octets(octets: bytes, encoding: bytes) -> None:
    encoded = encode_text(octets)
    assert encoded == Encoded(encoding, encoded.octets)
    assert decode_transfer(encoded.octets, encoding) == octets
    assert all(len(line) <= 76 for line in encoded.octets.split(b"\r\n"))


@given(st.binary())
def test_base64_reads_back(octets: bytes) -> None:
    assert decode_base64(encode_base64(octets)) == octets


@given(st.lists(st.sampled_from([b"QUJD", b"Q", b"=", b"==", b"\r\n", b"!", b" ", b"QQ"])))
def test_damaged_base64_gives_what_each_run_stands_for(pieces: list[bytes]) -> None:
    runs = re.sub(rb"[^A-Z=]", b"", b"".join(pieces)).split(b"=")
    whole = [run[: len(run) - (len(run) % 4 == 1)] for run in runs]
    expected = b"".join(base64.b64decode(run + b"=" * (-len(run) % 4)) for run in whole)
    assert decode_base64(b"".join(pieces)) == expected


def test_base64_of_nothing_but_padding_is_read_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transfer, "MAX_PADDINGS", 3)
    assert decode_base64(b"QQ=QQ=QQ=") == base64.b64decode("QQQQQQ==")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))))
def test_quoted_printable_reads_back(lines: list[str]) -> None:
    text = "".join(line + "\r\n" for line in lines).encode()
    assert decode_transfer(encode_quoted_printable(text), b"quoted-printable") == text


@pytest.mark.parametrize(
    ("octets", "encoding", "content"),
    [
        (b"QUJD\r\nREVG=\r\n", b"base64", b"ABCDEF"),
        (b"QUI=QUI=", b"base64", b"ABAB"),
        (b"QU!JDR", b"base64", b"ABC"),
        (b"begin 644 a.txt\r\n#86)C\r\n`\r\nend\r\n", b"x-uuencode", b"abc"),
        (b"begin 644 a\r\n#\xff~~~\r\nend", b"uuencode", b"begin 644 a\r\n#\xff~~~\r\nend"),
        (b"begin 644 a.txt\r\n\r\n#86)CX\r\nend\r\n", b"uuencode", b"abc"),
        (b"no block", b"x-uue", b"no block"),
        (b"a=3Db", b"8bit", b"a=3Db"),
    ],
)
def test_damaged_encodings_give_what_can_be_read(
    octets: bytes, encoding: bytes, content: bytes
) -> None:
    assert decode_transfer(octets, encoding) == content


def body_of(text: str) -> str:
    made = rebuild_html(text, lambda reference: "cid:x" if reference == "cid:a" else None, OUTBOUND)
    return made.partition("<body>\r\n")[2].partition("\r\n</body>")[0]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (
            "<P CLASS=x style='a'>one <B>two</B>\n   three </P>",
            "one <strong>two</strong> three",
        ),
        ("<!-- c --><title>t</title><script>s</script>a", "a"),
        (
            "<center>x</center><div dir=ltr>y</div><div dir=rtl>z</div>",
            'x<br>\r\ny\r\n<div dir="rtl">z</div>',
        ),
        (
            '<img src="cid:a" width=1 alt=w><img src="http://x/">',
            '<img alt="w" src="cid:x" width="1">',
        ),
        ('<img src="http://x/" alt="words">', "words"),
        ("<pre> one\n  two<br></pre>", "<pre> one\r\n  two<br></pre>"),
        ("a<br>\n b", "a<br>\r\nb"),
        ("<pre>x", "<pre>x</pre>"),
    ],
)
def test_html_is_written_in_one_way(text: str, body: str) -> None:
    assert body_of(text) == body


@pytest.mark.parametrize(
    "text", ["<div>" * 10_000, "<br>" * 150_001, "<font>" * 1_100 + "<p>" * 1_100, "</div></b>"]
)
def test_html_that_would_take_too_long_becomes_its_words(text: str) -> None:
    is_costly = not HtmlAllowance().take_parsing(text)
    assert is_costly is (text != "</div></b>")
    assert body_of(text + "w&lt;rds").startswith("<pre>w&lt;rds") is is_costly


def test_words_of_html_are_found() -> None:
    html = "<style>x</style><p>one&nbsp;two<br>three</p><ul><li>a</li></ul>\n\n\n<b>b</b>"
    assert extract_text(html) == "one two\nthree\n\na\n\nb"


def test_character_set_may_stand_in_the_html() -> None:
    assert declared_charset(b'<meta http-equiv=x content="text/html; charset=koi8-r">') == "koi8-r"
    assert declared_charset(b"<p>") == ""


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("C:\\home\\a.txt", "a.txt"),
        ("/etc/passwd", "passwd"),
        ("e\u0301.txt", "\u00e9.txt"),
        ("a\u202etxt.exe", "atxt.exe"),
        (" .hidden ", "hidden"),
        ("x" * 200 + ".txt", "x" * (MAX_NAME_CHARACTERS - 4) + ".txt"),
        ("x" * 200, "x" * MAX_NAME_CHARACTERS),
        ("", ""),
    ],
)
def test_file_names_are_clean_base_names(given_name: str, name: str) -> None:
    assert file_name(given_name) == name


@pytest.mark.parametrize(
    ("name", "declared", "kind"),
    [
        ("a.JPG", "image/pjpeg", "image/jpeg"),
        ("a.unknown", "application/x-strange", "application/octet-stream"),
        ("", "image/png", "image/png"),
        ("a.html", "application/autocrypt-setup", "application/autocrypt-setup"),
    ],
)
def test_types_follow_from_names(name: str, declared: str, kind: str) -> None:
    assert file_type(name, declared) == kind
    assert is_type(kind)
    assert not is_type("Text/ plain")


def test_calendar_loses_its_program_and_keeps_the_event() -> None:
    made = rebuild_calendar(
        b"BEGIN:VCALENDAR\r\nPRODID:-//X//EN\r\nX-WR-CALNAME:mine\r\nBEGIN:VEVENT\r\n"
        b"DTSTAMP:20240101T101112Z\r\nDTSTART:20240202T100000Z\r\nCREATED:20240101T101112Z\r\n"
        b'ATTENDEE;CN="Al; B";ROLE=CHAIR:mailto:a@b\r\nSUMMARY:' + "\u00e9".encode() * 60 + b"\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
        "utf-8",
    )
    assert b"DTSTAMP:20240202T100000Z\r\n" in made
    assert b"ATTENDEE;ROLE=CHAIR:mailto:a@b\r\n" in made
    assert made.startswith(b"BEGIN:VCALENDAR\r\nPRODID:-//eepost//EN\r\nBEGIN:VEVENT\r\n")
    assert b"CREATED" not in made
    assert b"X-WR" not in made
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    assert made.replace(b"\r\n ", b"").decode().count("\u00e9") == 60


def test_event_at_no_certain_time_gets_a_stamp_all_the_same() -> None:
    assert b"DTSTAMP:19700101T000000Z" in rebuild_calendar(b"DTSTAMP:x\r\nDTSTART;VALUE=DATE:y", "")


def test_card_loses_its_program_and_keeps_the_person() -> None:
    made = rebuild_card(
        b"BEGIN:VCARD\r\nPRODID:x\r\nREV:y\r\nitem1.X-ABLabel:z\r\nitem1.EMAIL:a@b\r\nFN:A\r\n"
        b"END:VCARD",
        "",
    )
    assert made == b"BEGIN:VCARD\r\nITEM1.EMAIL:a@b\r\nFN:A\r\nEND:VCARD\r\n"


def test_delivery_report_keeps_who_and_what() -> None:
    made = rebuild_delivery_status(
        b"Reporting-MTA: dns; host.lan\r\nArrival-Date: x\r\n\r\n"
        b"Final-Recipient: rfc822;\r\n a@b\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 from 10.0.0.1\r\n",
        "mail.i2p",
    )
    assert made == (
        b"Reporting-MTA: dns; mail.i2p\r\n\r\nFinal-Recipient: rfc822; a@b\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\n"
    )
    assert rebuild_delivery_status(b"words", "mail.i2p") is None


def test_all_codecs_that_texts_may_need_can_be_loaded_beforehand() -> None:
    names = codec_names()
    assert {"utf-8", "cp1252", "euc_jp"} <= names
    assert all(codecs.lookup(each) for each in names)
