# SPDX-License-Identifier: Apache-2.0
import io
import struct

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.sanitise.files import pdf as module
from eepost.sanitise.files import tnef as tnef_module
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.pdf import strip_pdf
from eepost.sanitise.files.strip import strip_file
from eepost.sanitise.files.tnef import MAGIC, unpack_tnef
from tests.sanitise.files.inner import FakeInner
from tests.sanitise.files.test_pictures import SECRET


def document(**options: object) -> bytes:
    file = io.BytesIO()
    with pikepdf.new() as made:
        page = made.add_blank_page()
        page.Contents = made.make_stream(b"BT (words) Tj ET")
        page.PieceInfo = pikepdf.Dictionary(App=SECRET.decode())
        made.docinfo["/Producer"] = SECRET.decode()
        with made.open_metadata() as metadata:
            metadata["dc:creator"] = [SECRET.decode()]
        made.save(file, compress_streams=False, **options)  # type: ignore[arg-type]
    return file.getvalue()


def test_authors_go_and_pages_stay() -> None:
    octets = document()
    assert octets.count(SECRET) >= 3
    cleaned = strip_file(octets)
    assert cleaned.media_type == "application/pdf"
    with pikepdf.open(io.BytesIO(cleaned.octets)) as made:
        assert "/Info" not in made.trailer
        assert "/Metadata" not in made.Root
        assert made.pages[0].Contents.read_bytes() == b"BT (words) Tj ET"
        made.save(plain := io.BytesIO(), stream_decode_level=pikepdf.StreamDecodeLevel.all)
    assert SECRET not in plain.getvalue()


def test_equal_documents_become_equal() -> None:
    assert strip_pdf(document(), FakeInner()) == strip_pdf(document(), FakeInner())


def test_encrypted_document_is_refused() -> None:
    for password in ("", "open"):
        encryption = pikepdf.Encryption(owner="own", user=password)
        with pytest.raises(Unclean):
            strip_pdf(document(encryption=encryption), FakeInner())


def test_signed_document_is_refused() -> None:
    file = io.BytesIO()
    with pikepdf.new() as made:
        made.Root.Signature = made.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Sig))
        made.save(file)
    with pytest.raises(Unclean):
        strip_pdf(file.getvalue(), FakeInner())


def test_document_of_too_many_objects_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OBJECTS", 2)
    with pytest.raises(Unclean):
        strip_pdf(document(), FakeInner())


def test_fragment_that_nobody_opens_loses_what_tells() -> None:
    made = strip_pdf(
        b"%PDF-1.2 trailer << /ID [<3D77> <798D>] /Info 3 0 R /Root 5 0 R >>", FakeInner()
    )
    assert made == b"%PDF-1.2 trailer << " + b" " * 19 + b" " + b" " * 11 + b" /Root 5 0 R >>"
    with pytest.raises(Unclean):
        strip_pdf(b"%PDF-1.2 /Author (x)", FakeInner())


def attribute(kind: int, content: bytes) -> bytes:
    return b"\x02" + struct.pack("<II", kind, len(content)) + content + b"\0\0"


LONG_NAME = "long name.txt".encode("utf-16-le")
PROPERTIES = struct.pack("<III", 0x3707001F, 1, len(LONG_NAME)) + LONG_NAME
TNEF = (
    MAGIC
    + b"\0\0"
    + attribute(0x800C, b"words\0")
    + attribute(0x8010, b"title without a file\0")
    + attribute(0x9002, b"")
    + attribute(0x8010, b"SHORT.TXT\0")
    + attribute(0x800F, b"content")
    + attribute(0x9002, b"")
    + attribute(0x8010, b"SHORT.TXT\0")
    + attribute(0x9005, PROPERTIES)
    + attribute(0x9005, b"other")
    + attribute(0x1234, b"other")
)


def test_files_and_words_are_unpacked() -> None:
    text, files = unpack_tnef(TNEF)
    assert text == "words"
    assert [(each.name, each.octets) for each in files] == [
        ("SHORT.TXT", b"content"),
        ("long name.txt", b""),
    ]


def test_too_many_files_in_one_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tnef_module, "MAX_FILES", 1)
    with pytest.raises(Unclean):
        unpack_tnef(TNEF)


@given(st.integers(0, len(TNEF)))
def test_tnef_that_is_cut_short_gives_what_came(end: int) -> None:
    _, files = unpack_tnef(TNEF[:end])
    assert len(files) <= 2
