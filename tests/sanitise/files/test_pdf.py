# SPDX-License-Identifier: Apache-2.0
"""PDF, made here entry by entry: what tells goes wherever it stands, and bombs stay packed."""

import contextlib
import io
import struct
import zlib
from collections.abc import Callable

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from eepost.sanitise.files import pdf, pdf_entries
from eepost.sanitise.files.codestream import strip_codestream
from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.pdf import strip_pdf
from eepost.sanitise.files.strip import Unpacking, strip_file
from tests.sanitise.files.inner import KNOWN, FakeInner
from tests.sanitise.files.test_drawings import profile
from tests.sanitise.files.tools import SECRET

HIDDEN = SECRET.encode()
Fill = Callable[[pikepdf.Pdf], None]


def document(fill: Fill) -> bytes:
    made = io.BytesIO()
    with pikepdf.new() as new:
        new.add_blank_page()
        fill(new)
        new.save(
            made,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            compress_streams=False,
        )
    return made.getvalue()


def shown(octets: bytes) -> bytes:
    """Return all that is in a document, unpacked as far as the library can."""
    found = b""
    with pikepdf.open(io.BytesIO(octets)) as opened:
        found += opened.trailer.unparse(resolved=True)
        for each in opened.objects:
            if isinstance(each, Stream):
                found += each.stream_dict.unparse(resolved=True) + each.read_raw_bytes()
                with contextlib.suppress(pikepdf.PdfError):
                    found += each.read_bytes()
            elif isinstance(each, pikepdf.Object):
                found += each.unparse(resolved=True)
    return found


def cleaned(fill: Fill) -> bytes:
    """Return what is left in a document that held the secret."""
    octets = document(fill)
    made = strip_file(octets).octets
    assert strip_file(made).octets == made
    return shown(made)


def entry(value: object) -> Fill:
    def fill(new: pikepdf.Pdf) -> None:
        new.Root.A = value

    return fill


def held(octets: bytes, **entries: object) -> Fill:
    """A stream as it is packed already."""

    def fill(new: pikepdf.Pdf) -> None:
        new.Root.A = Stream(new, octets, **entries)

    return fill


# ---- pictures


def jpeg() -> bytes:
    tags = Image.Exif()
    tags[0x010F] = SECRET
    made = io.BytesIO()
    Image.new("RGB", (9, 7), "teal").save(made, "JPEG", exif=tags)
    return made.getvalue()


DCT, FLATE, HEX, A85 = Name.DCTDecode, Name.FlateDecode, Name.ASCIIHexDecode, Name.ASCII85Decode
PACKED: dict[str, Fill] = {
    "alone": held(jpeg(), Filter=DCT),
    "abbreviated": held(jpeg(), Filter=Name.DCT),
    "in an array": held(jpeg(), Filter=Array([DCT])),
    "with parameters": held(jpeg(), Filter=DCT, DecodeParms=Dictionary(ColorTransform=1)),
    "with parameters in an array": held(
        jpeg(), Filter=Array([DCT]), DecodeParms=Array([Dictionary(ColorTransform=1)])
    ),
    "in other packing": held(zlib.compress(jpeg()), Filter=Array([FLATE, DCT])),
    "as hexadecimal numbers": held(jpeg().hex().encode() + b">", Filter=Array([HEX, DCT])),
    "packed twice": held(
        zlib.compress(jpeg()).hex().encode() + b">",
        Filter=Array([HEX, FLATE, DCT]),
        DecodeParms=Array([None, Dictionary(Predictor=1), Dictionary(ColorTransform=1)]),
    ),
    "behind other octets": held(b"\r\n" + jpeg(), Filter=DCT),
}


@pytest.mark.parametrize("how", PACKED)
def test_picture_in_a_document_loses_its_camera(how: str) -> None:
    octets = document(PACKED[how])
    made = strip_file(octets).octets
    assert HIDDEN not in shown(made)
    assert strip_file(made).octets == made
    with pikepdf.open(io.BytesIO(made)) as kept:
        picture = kept.Root.A.read_raw_bytes()
    assert Image.open(io.BytesIO(picture)).size == (9, 7)


def test_parameters_of_a_picture_stay() -> None:
    for how in ("with parameters", "with parameters in an array", "packed twice"):
        with pikepdf.open(io.BytesIO(strip_file(document(PACKED[how])).octets)) as kept:
            assert kept.Root.A.DecodeParms.ColorTransform == 1


@pytest.mark.parametrize(
    "fill",
    [
        held(b"x", Filter=Array([Name.RunLengthDecode, DCT])),
        held(b"no stream", Filter=Array([FLATE, DCT])),
        held(b"zz~>", Filter=Array([HEX, DCT])),
        held(b"x", Filter=FLATE, DecodeParms=Dictionary(Predictor=12), N=3),
        held(b"no stream", Filter=FLATE, N=3),
    ],
)
def test_picture_or_profile_that_cannot_be_unpacked_is_refused(fill: Fill) -> None:
    with pytest.raises(Unclean):
        strip_file(document(fill))


def jpeg_2000(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (9, 7), "teal").save(made, "JPEG2000", no_jp2=kind == "j2k", comment=SECRET)
    return made.getvalue()


@pytest.mark.parametrize("kind", ["jp2", "j2k"])
def test_comments_of_a_jpeg_2000_go_in_and_out_of_documents(kind: str) -> None:
    octets = jpeg_2000(kind)
    assert HIDDEN in octets
    assert HIDDEN not in cleaned(held(octets, Filter=Name.JPXDecode))
    made = strip_file(octets)
    assert made.kind
    assert HIDDEN not in made.octets
    assert b"OpenJPEG" not in made.octets
    with Image.open(io.BytesIO(made.octets)) as before, Image.open(io.BytesIO(octets)) as after:
        assert before.tobytes() == after.tobytes()


@given(st.binary(max_size=60))
def test_noise_in_a_codestream_breaks_nothing(noise: bytes) -> None:
    assert len(strip_codestream(b"\xff\x4f\xff\x51" + noise)) == 4 + len(noise)


def test_codestream_without_a_tile_is_followed_to_its_end() -> None:
    comment = b"\xff\x64" + struct.pack(">HH", 4 + len(HIDDEN), 1) + HIDDEN
    assert HIDDEN not in strip_codestream(b"\xff\x4f" + comment)
    assert HIDDEN[:9] not in strip_codestream(b"\xff\x4f" + comment[:-2])


def test_segments_of_a_codestream_are_bounded() -> None:
    many = b"\xff\x4f\xff\x51" + b"\0\2" * 400
    assert strip_codestream(many + b"\xff\x64\0\7\0\1end") == many + b"\xff\x64\0\7\0\1end"


# ---- colour profiles


def test_profile_is_cleaned_however_it_is_packed() -> None:
    for fill in (
        held(profile(), N=3),
        held(zlib.compress(profile()), N=3, Filter=FLATE),
        held(zlib.compress(profile()), N=3, Filter=Array([FLATE])),
        held(zlib.compress(profile()).hex().encode() + b">", N=3, Filter=Array([HEX, FLATE])),
    ):
        with pikepdf.open(io.BytesIO(strip_file(document(fill)).octets)) as kept:
            assert kept.Root.A.read_bytes() == strip_icc(profile())


def test_profiles_of_a_document_are_bounded_together_and_equal_ones_count_once() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        new.Root.A = Array([Stream(new, profile(), N=3) for _ in range(9)])

    inner = FakeInner()
    strip_pdf(document(fill), inner)
    assert inner.octets == FakeInner().octets - 4 * len(profile())
    with pytest.raises(Unclean):
        strip_pdf(document(fill), FakeInner(octets=4 * len(profile()) - 1))


# ---- attached files


def attach(content: bytes, name: str = f"C:\\Users\\{SECRET}\\a.jpg") -> Fill:
    def fill(new: pikepdf.Pdf) -> None:
        new.attachments[name] = pikepdf.AttachedFileSpec(
            new, content, filename=name, creation_date="D:20261120010203", mod_date="D:20261120"
        )

    return fill


def test_attached_file_is_cleaned_and_keeps_its_base_name() -> None:
    left = cleaned(attach(jpeg()))
    assert HIDDEN not in left
    assert b"D:2026" not in left
    assert b"(a.jpg)" in left
    with pikepdf.open(io.BytesIO(strip_file(document(attach(jpeg()))).octets)) as kept:
        assert list(kept.attachments) == ["a.jpg"]
        octets = kept.attachments["a.jpg"].get_file().read_bytes()
        with Image.open(io.BytesIO(octets)) as picture:
            assert picture.size == (9, 7)
        assert dict(kept.attachments["a.jpg"].get_file().obj.Params) == {"/Size": len(octets)}


def test_files_of_one_name_are_both_kept() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        for folder in "ab":
            attach(folder.encode(), f"/home/{folder}/words.txt")(new)

    with pikepdf.open(io.BytesIO(strip_file(document(fill)).octets)) as kept:
        found = {name: each.get_file().read_bytes() for name, each in kept.attachments.items()}
    assert found == {"words.txt": b"a", "1 words.txt": b"b"}


def test_attached_file_that_cannot_be_cleaned_is_refused() -> None:
    with pytest.raises(Unclean, match="RAR"):
        strip_file(document(attach(b"Rar!\x1a\x07")))


def test_files_attached_to_a_page_or_to_nothing_are_cleaned() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        note = Dictionary(
            Subtype=Name.FileAttachment,
            Rect=[1, 1, 2, 2],
            T=SECRET,
            FS=Dictionary(F="a", EF=Dictionary(F=Stream(new, KNOWN + HIDDEN), UF=1)),
        )
        new.pages[0].Annots = Array([note])
        new.Root.A = Stream(new, KNOWN + HIDDEN, Type=Name.EmbeddedFile)
        new.Root.B = Dictionary(EF=Name.None_)

    left = shown(strip_pdf(document(fill), FakeInner()))
    assert left.count(KNOWN) == 2
    assert HIDDEN not in left


@pytest.mark.parametrize("names", [Name.X, Dictionary(EmbeddedFiles=1), Dictionary()])
def test_list_of_files_that_is_none_breaks_nothing(names: object) -> None:
    def fill(new: pikepdf.Pdf) -> None:
        new.Root.Names = names

    assert strip_file(document(fill)).kind == "PDF"


# ---- entries


def test_who_wrote_a_note_goes_from_notes_in_the_page_itself() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        note = Dictionary(
            Subtype=Name.Text,
            Rect=[1, 1, 2, 2],
            T=SECRET,
            M="D:20261120",
            CreationDate="D:20261120",
            NM=SECRET,
            Contents="words of a note",
            RC=f'<body xfa:APIVersion="{SECRET}" xfa:spec="2"><p>rich words</p></body>',
        )
        field = Dictionary(Subtype=Name.Link, Rect=[1, 1, 2, 2], T="name of a field", M=SECRET)
        new.pages[0].Annots = Array([note, field])

    left = cleaned(fill)
    assert HIDDEN not in left
    assert b"D:2026" not in left
    for kept in (b"words of a note", b"<body><p>rich words</p></body>", b"name of a field"):
        assert kept in left


TELLING: dict[str, object] = {
    "a figure of pdfTeX": {"PTEX.FileName": f"/home/{SECRET}/a.pdf"},
    "document information of a figure": Dictionary(A=Dictionary(Author=SECRET, Producer=SECRET)),
    "a layer's program": Dictionary(Usage=Dictionary(CreatorInfo=Dictionary(Creator=SECRET))),
    "what programs note": Array([1, Array([Dictionary(PieceInfo=Dictionary(A=SECRET))])]),
    "a link to a file": Dictionary(S=Name.URI, URI=f"file:///C:/Users/{SECRET}/a.pdf"),
    "a link to another document": Dictionary(S=Name.GoToR, F=f"C:\\{SECRET}\\a.pdf"),
    "a path on an old Mac": Dictionary(F=Dictionary(Mac=f"disk/{SECRET}/a", UF=f"{SECRET}\\")),
}


@pytest.mark.parametrize("what", TELLING)
def test_entry_that_tells_goes(what: str) -> None:
    value = TELLING[what]
    if isinstance(value, dict):
        value = Dictionary({f"/{key}": each for key, each in value.items()})
    assert HIDDEN in shown(document(entry(value)))
    assert HIDDEN not in cleaned(entry(value))


def test_entries_that_only_sound_like_it_stay() -> None:
    kept = Dictionary(
        S=Name.URI,
        URI="https://example.org/a/b",
        F=4,
        Author=Name.Font,
        Subtype=Name.Link,
        Rect=[0, 0, 1, 1],
        RC=Name.None_,
    )
    left = cleaned(entry(kept))
    for each in (b"https://example.org/a/b", b"/F 4", b"/Author /Font", b"/RC"):
        assert each in left
    assert pdf_entries.without_path("mailto:a@b.c") == "mailto:a@b.c"
    assert pdf_entries.without_path("C:\\") == "file"


def test_xmp_goes_wherever_it_stands() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        xmp = Stream(new, HIDDEN, Type=Name.Metadata, Subtype=Name.XML)
        new.Root.Metadata = xmp
        new.pages[0].Metadata = xmp
        new.Root.Odd = Array([xmp])
        new.Root.A = Stream(new, b"words", Metadata=xmp)

    left = cleaned(fill)
    assert HIDDEN not in left
    assert b"words" in left


def test_trailer_holds_nothing_but_where_to_begin() -> None:
    def fill(new: pikepdf.Pdf) -> None:
        new.trailer.DocChecksum = Name("/" + SECRET)

    assert HIDDEN not in cleaned(fill)


@pytest.mark.parametrize("signature", [Dictionary(Type=Name.Sig), Dictionary(ByteRange=[0, 1])])
def test_signature_in_a_field_itself_is_seen(signature: Dictionary) -> None:
    with pytest.raises(Unclean, match="signed"):
        strip_file(document(entry(Array([Dictionary(V=signature)]))))


# ---- bounds


def objects_packed(content: bytes, type_name: bytes = b"/ObjStm") -> bytes:
    """Return a document whose object 6 is the first in a packed stream."""
    packed = zlib.compress(b"6 0 " + content, 9)
    entries = (
        b"<</Type/Catalog/Pages 2 0 R/A 6 0 R>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        b"<</Type%s/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream"
        % (type_name, len(packed), packed),
    )
    octets = b"%PDF-1.5\n"
    rows = bytes(5)
    for number, each in enumerate(entries, 1):
        rows += b"\1" + len(octets).to_bytes(4, "big")
        octets += b"%d 0 obj%s endobj\n" % (number, each)
    rows += b"\1" + len(octets).to_bytes(4, "big") + bytes(5) + b"\2\0\0\0\3"
    table = b"4 0 obj<</Type/XRef/Size 7/W[1 4 0]/Root 1 0 R/Length %d>>stream\n%s\nendstream"
    return octets + table % (len(rows), rows) + b" endobj\nstartxref\n%d\n%%%%EOF" % len(octets)


@pytest.mark.parametrize("name", [b"/ObjStm", b"/Obj#53tm"])
def test_packed_objects_are_unpacked_within_bounds(
    monkeypatch: pytest.MonkeyPatch, name: bytes
) -> None:
    assert b"words" in shown(strip_file(objects_packed(b"(words)", name)).octets)
    monkeypatch.setattr(pdf, "MAX_OBJECT_OCTETS", 100_000)
    bomb = objects_packed(b"(words)" + b" " * 60_000, name)
    with pytest.raises(Unclean):
        strip_file(bomb)
    monkeypatch.setattr(pdf, "MAX_OBJECT_OCTETS", 200_000)
    assert strip_file(bomb).kind == "PDF"
    monkeypatch.setattr(pdf, "MAX_OBJECT_STREAMS", 1)
    with pytest.raises(Unclean, match="many"):
        strip_file(bomb)


def test_entries_and_pictures_of_a_document_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    note = Dictionary(Subtype=Name.Text, Rect=[1, 1, 2, 2])
    octets = document(lambda new: entry(new.make_indirect(Array([note] * 99)))(new))
    with pytest.raises(Unclean):
        strip_pdf(octets, FakeInner(octets=50_000))
    with pytest.raises(Unclean):
        strip_pdf(document(PACKED["alone"]), FakeInner(octets=2_047))
    assert strip_pdf(octets, FakeInner())
    monkeypatch.setattr(pdf_entries, "MAX_ITEMS", 98)
    with pytest.raises(Unclean, match="many"):
        strip_pdf(octets, FakeInner())


def test_what_is_packed_twice_stays_so() -> None:
    packed = zlib.compress(b"words").hex().encode() + b">"
    octets = strip_file(document(held(packed, Filter=Array([HEX, FLATE])))).octets
    with pikepdf.open(io.BytesIO(octets)) as kept:
        assert kept.Root.A.read_raw_bytes() == packed


@given(st.data())
def test_any_damage_gives_a_document_or_a_refusal(data: st.DataObject) -> None:
    octets = bytearray(ALL)
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(5, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Unclean):
        strip_pdf(bytes(octets), Unpacking())


def _all(new: pikepdf.Pdf) -> None:
    for number, (_, value) in enumerate(TELLING.items()):
        if isinstance(value, Dictionary | Array):
            new.Root[f"/X{number}"] = value
    attach(b"words")(new)
    held(jpeg(), Filter=DCT, DecodeParms=Dictionary(ColorTransform=1))(new)
    new.pages[0].Annots = Array([Dictionary(Subtype=Name.Text, Rect=[1, 1, 2, 2], T="t")])


ALL = document(_all)
