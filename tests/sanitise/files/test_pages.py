# SPDX-License-Identifier: Apache-2.0
"""Pages and drawings: shown as before by other programs, with nothing left that tells."""

import base64
import contextlib
import io
import struct
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from eepost.sanitise.files import svg
from eepost.sanitise.files.documents import strip_postscript, strip_previewed, strip_rtf
from eepost.sanitise.files.outcome import Unclean
from eepost.sanitise.files.strip import Unpacking, strip_file
from eepost.sanitise.files.svg import strip_svg
from tests.sanitise.files.inner import KNOWN, FakeInner
from tests.sanitise.files.test_drawings import PICTURE_TAGS, profile, saved
from tests.sanitise.files.tools import SECRET, run, telling_tags, written_into

HIDDEN = SECRET.encode()


def drawn(file: Path) -> bytes:
    """Return the pixels of a document's first page."""
    return run("mutool", "draw", "-q", "-r", "36", "-F", "ppm", "-o", "-", file, "1")


def test_camera_and_notes_in_a_pdf_go_and_pages_stay(tmp_path: Path) -> None:
    photo, file, after = (tmp_path / name for name in ("photo.jpg", "before.pdf", "after.pdf"))
    saved(photo)
    written_into(photo, *PICTURE_TAGS)
    with pikepdf.new() as made:
        page = made.add_blank_page(page_size=(80, 60))
        icc = made.make_stream(profile(), N=3)
        # A camera's own octets in a stream, with the filter that opens them.
        stream = pikepdf.Stream(
            made,
            photo.read_bytes(),
            Subtype=pikepdf.Name.Image,
            Width=40,
            Height=30,
            BitsPerComponent=8,
            ColorSpace=[pikepdf.Name.ICCBased, icc],
            Filter=pikepdf.Name.DCTDecode,
        )
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=stream))
        page.Contents = made.make_stream(b"80 0 0 60 0 0 cm /P Do")
        note = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Text,
            Rect=[1, 1, 2, 2],
            T=SECRET,
            M="D:20261120010203",
            Contents="A word about the picture",
        )
        page.Annots = made.make_indirect(pikepdf.Array([made.make_indirect(note)]))
        made.docinfo["/Author"] = SECRET
        made.save(file)
    assert file.read_bytes().count(HIDDEN) >= 3
    cleaned = strip_file(file.read_bytes())
    after.write_bytes(cleaned.octets)
    assert HIDDEN not in cleaned.octets
    assert b"APPL" not in cleaned.octets
    assert telling_tags(after) == {}
    assert drawn(after) == drawn(file)
    with pikepdf.open(after) as made:
        (kept,) = made.pages[0].Annots
        assert str(kept.Contents) == "A word about the picture"
        assert "/T" not in kept
        assert "/M" not in kept


def test_streams_that_are_not_what_they_say_stay() -> None:
    file = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.Root.A = pikepdf.Stream(made, b"no picture", Filter=pikepdf.Name.DCTDecode)
        made.Root.B = made.make_stream(b"no profile", N=3)
        made.save(file)
    with pikepdf.open(io.BytesIO(strip_file(file.getvalue()).octets)) as kept:
        assert kept.Root.A.read_raw_bytes() == b"no picture"
        assert kept.Root.B.read_bytes() == b"no profile"


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%Creator: (SECRET's program 3.1)
%%CreationDate: (2026-11-20 by SECRET)
%%For: SECRET
%%BoundingBox: 0 0 40 30
%%EndComments
[ /Title (SECRET) /Author (SECRET) /DOCINFO pdfmark
% <?xpacket begin='' id='W5M0'?><x:xmpmeta>SECRET</x:xmpmeta><?xpacket end='w'?>
10 10 moveto 30 20 lineto 3 setlinewidth stroke
showpage
%%EOF
""".replace(b"SECRET", HIDDEN)


def printed(octets: bytes) -> bytes:
    return run(
        *("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-sDEVICE=ppmraw", "-dEPSCrop"),
        *("-sOutputFile=-", "-c", "/pdfmark {cleartomark} def", "-f", "-"),
        octets=octets,
    )


def test_postscript_prints_as_before() -> None:
    cleaned = strip_file(POSTSCRIPT)
    assert cleaned.kind == "PostScript"
    assert HIDDEN not in cleaned.octets
    assert len(cleaned.octets) == len(POSTSCRIPT)
    assert printed(cleaned.octets) == printed(POSTSCRIPT)


def test_comments_behind_a_carriage_return_go_too() -> None:
    assert HIDDEN not in strip_postscript(POSTSCRIPT.replace(b"\n", b"\r"))


def test_packet_without_an_end_stays() -> None:
    cut = b"%!PS\n<?xpacket begin words"
    assert strip_postscript(cut) == cut
    assert strip_postscript(b"%!PS\n<?xpacket beginwords<?xpacket end") == (
        b"%!PS\n<?xpacket begin     <?xpacket end"
    )


def previewed(preview: bytes, *, cut: int = 0) -> bytes:
    start = 30
    head = struct.pack(
        "<4s6IH",
        b"\xc5\xd0\xd3\xc6",
        start,
        len(POSTSCRIPT),
        0,
        0,
        start + len(POSTSCRIPT),
        len(preview),
        7,
    )
    return head + POSTSCRIPT + preview[: len(preview) - cut]


def preview() -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 3), 99).save(file, "TIFF", description=SECRET)
    return file.getvalue()


def test_preview_of_postscript_is_cleaned_with_it() -> None:
    cleaned = strip_file(previewed(preview()))
    assert cleaned.kind == "PostScript"
    assert HIDDEN not in cleaned.octets
    assert printed(cleaned.octets) == printed(POSTSCRIPT)
    assert len(strip_previewed(previewed(b""))) == 30 + len(POSTSCRIPT)


@pytest.mark.parametrize(
    "octets",
    [b"\xc5\xd0\xd3\xc6short", previewed(preview(), cut=5), previewed(b"")[:12] + b"\1" * 60],
)
def test_damaged_preview_is_refused(octets: bytes) -> None:
    with pytest.raises(Unclean):
        strip_previewed(octets)


RTF = (
    rb"{\rtf1\ansi{\fonttbl{\f0 Times;}}{\*\generator SECRET 7;}"
    rb"{\info{\title a \{ brace}{\author SECRET}{\*\company SECRET}{\creatim\yr2026}}"
    rb"{\*\rsidtbl \rsid1234567}{\*\userprops{\propname x}\proptype30{\staticval SECRET}}"
    rb"\pard\insrsid7654321 Some \{info words\} and {\b\insrsid1234567 bold} ones."
    rb"{\pict\bin9 {\info SECRET}}\par}"
).replace(b"SECRET", HIDDEN, 4)


def test_rtf_reads_as_before(tmp_path: Path) -> None:
    before, after = tmp_path / "before.rtf", tmp_path / "after.rtf"
    before.write_bytes(RTF)
    cleaned = strip_file(RTF)
    after.write_bytes(cleaned.octets)
    assert cleaned.media_type == "application/rtf"
    assert HIDDEN not in cleaned.octets
    assert b"7654321" not in cleaned.octets
    assert rb"{\pict\bin9 {\info SECRET}}" in cleaned.octets
    words = run("unrtf", "--text", "--nopict", after).partition(b"-----------------")[2]
    assert words == run("unrtf", "--text", "--nopict", before).partition(b"-----------------")[2]
    assert b"{info words} and" in words


def hexadecimal(octets: bytes) -> bytes:
    digits = octets.hex().encode()
    return b"\r\n".join(digits[at : at + 64] for at in range(0, len(digits), 64))


@pytest.mark.parametrize("word", [rb"\jpegblip ", rb"\pich300" + b"\n", rb"{\*\blipuid ab}"])
def test_picture_in_rtf_loses_its_camera(word: bytes) -> None:
    file = io.BytesIO()
    tags = Image.Exif()
    tags[0x010F] = SECRET
    Image.new("RGB", (9, 7), "teal").save(file, "JPEG", exif=tags)
    octets = file.getvalue()
    made = strip_file(rb"{\rtf1 words{\pict" + word + hexadecimal(octets) + b"} more}").octets
    assert made.startswith(rb"{\rtf1 words{\pict" + word)
    assert made.endswith(b"} more}")
    picture = bytes.fromhex(made[len(rb"{\rtf1 words{\pict" + word) : -len("} more}")].decode())
    assert picture == strip_file(octets).octets
    assert HIDDEN not in picture
    assert strip_file(made).octets == made


def test_numbers_in_rtf_that_are_no_picture_stay() -> None:
    bitmap = rb"{\rtf1{\pict\dibitmap0 " + hexadecimal(bytes(32) + b"\xff\xd8\xff" + bytes(300))
    assert strip_file(bitmap + b"}}").octets == bitmap + b"}}"


def test_picture_in_rtf_with_half_a_number_is_cleaned() -> None:
    assert strip_rtf(rb"{\rtf1 ffd8ffe1" + b"0" * 201 + b"}", Unpacking()) == rb"{\rtf1 ffd8ffd9}"


def test_rtf_that_is_cut_short_stays_so() -> None:
    assert strip_rtf(rb"{\rtf1 words{\info{\author x\bin3 }}}", Unpacking()) == rb"{\rtf1 words"
    assert strip_rtf(rb"{\rtf1 words", Unpacking()) == rb"{\rtf1 words"


SVG = """<?xml version="1.0"?>
<!-- Created with SECRET -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
  xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" width="40" height="30"
  inkscape:export-filename="/home/SECRET/a.png" data-name="SECRET" onload="alert('SECRET')">
 <metadata><rdf xmlns="http://purl.org/dc/">SECRET</rdf></metadata>
 <title>SECRET</title><desc>SECRET<b>SECRET</b></desc>
 <inkscape:namedview x="SECRET"><path d="SECRET"/></inkscape:namedview>
 <style>.a { fill: red; background: url(http://x/SECRET) } @import "SECRET";</style>
 <defs><linearGradient id="g"><stop offset="0" stop-color="blue"/></linearGradient></defs>
 <script>SECRET</script>
 <rect class="a" width="9" height="9"/><rect x="10" width="9" height="9" fill="url(#g)"/>
 <rect x="20" width="9" height="9" style="fill:red; stroke: url( http://x/SECRET )"/>
 <image xlink:href="file:///home/SECRET/b.png" width="5" height="5"/>
 <image y="10" xlink:href="data:image/png;base64,PICTURE" width="9" height="9"/>
 <image xlink:href="data:image/png;base64,A" width="9" height="9"/>
 <use href="#g"/>
 <a href="https://example.org/"><text y="29" xml:space="preserve">a &lt; b &amp; "c"</text></a>
</svg>
"""


def svg_octets() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (3, 3), "green").save(file, "PNG")
    return (
        SVG.replace("PICTURE", base64.b64encode(file.getvalue()).decode())
        .replace("SECRET", SECRET)
        .encode()
    )


def rendered(octets: bytes) -> bytes:
    with Image.open(io.BytesIO(run("rsvg-convert", octets=octets))) as shown:
        return shown.convert("RGBA").tobytes()


def test_svg_is_drawn_as_before() -> None:
    octets = svg_octets()
    cleaned = strip_file(octets)
    assert cleaned.media_type == "image/svg+xml"
    assert HIDDEN not in cleaned.octets
    assert b"onload" not in cleaned.octets
    assert b"inkscape" not in cleaned.octets
    assert b'href="https://example.org/"' in cleaned.octets
    assert b'a &lt; b &amp; "c"' in cleaned.octets
    assert rendered(cleaned.octets) == rendered(octets)
    assert strip_file(cleaned.octets).octets == cleaned.octets


def test_picture_in_a_drawing_is_cleaned() -> None:
    packed = base64.b64encode(KNOWN + b"more").decode()
    drawing = f'<svg><image href="data:image/png;base64,{packed}"/></svg>'.encode()
    assert base64.b64encode(KNOWN) in strip_svg(drawing, FakeInner())
    assert packed.encode() not in strip_svg(drawing, FakeInner())


@pytest.mark.parametrize(
    "octets",
    [
        b"<svg><g></svg>",
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>',
        b"<svg>" + b"<g>" * 600 + b"</g>" * 600 + b"</svg>",
    ],
)
def test_drawing_that_cannot_be_followed_is_refused(octets: bytes) -> None:
    assert strip_svg(b"<svg><g/></svg>", FakeInner())
    with pytest.raises(Unclean):
        strip_file(octets)


@given(st.binary(max_size=80))
def test_noise_in_a_drawing_breaks_nothing(noise: bytes) -> None:
    with contextlib.suppress(Unclean):
        strip_svg(b"<svg>" + noise + b"</svg>", FakeInner())


def test_other_xml_is_no_drawing() -> None:
    assert not svg.is_svg(b"<?xml version='1.0'?><html><body>an svg</body></html>")
    assert not svg.is_svg(b"words about <svg> drawings")
