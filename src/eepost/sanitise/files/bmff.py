# SPDX-License-Identifier: Apache-2.0
"""MP4, QuickTime, HEIC, AVIF and JPEG 2000 of the boxes that are played or shown (ISO 14496-12).

Nothing moves, since tables count octets from the beginning: a box that goes becomes free space of
its size; times and names become zero where they stand. Tracks that hold no sound, film or words go
with their samples: cameras write places and clocks into them.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from eepost.sanitise.files.codestream import blank_comments
from eepost.sanitise.files.encoders import blank_encoders
from eepost.sanitise.files.icc import strip_icc
from eepost.sanitise.files.items import Blankable, blank_items, hidden_items
from eepost.sanitise.files.outcome import Unclean, most_pieces
from eepost.sanitise.files.samples import Samples

# Boxes in one file: a film in fragments has some thousands.
MAX_BOXES = 100_000

_DAMAGED = "film or picture is damaged, or of a kind that is not known here"
_BEGINNINGS = frozenset(b"ftyp styp moov mdat wide free skip pnot".split())
_JPEG_2000 = b"\0\0\0\x0cjP  \r\n\x87\n"
_JPEG_XL = b"\0\0\0\x0cJXL \r\n\x87\n"
# What stays, by what it stands in (b"": the file itself). Boxes that are named as containers are
# gone through; what others hold stays, but for _RULES.
_TOP = b""
_KEPT: Mapping[bytes, frozenset[bytes]] = {
    _TOP: frozenset(
        b"ftyp styp moov moof mdat mfra sidx ssix pdin meta jp2h jp2c jxlc jxlp jxll jbrd".split()
    )
    | {b"jP  ", b"JXL "},
    b"moov": frozenset(b"mvhd trak mvex iods ctab clip pssh".split()),
    b"trak": frozenset(b"tkhd edts mdia tref clip matt load tapt".split()),
    b"edts": frozenset((b"elst",)),
    b"tref": frozenset(b"hint hind font vdep vplx chap sync auxl subt fall forc folw".split()),
    b"mdia": frozenset(b"mdhd hdlr minf elng".split()),
    b"minf": frozenset(b"vmhd smhd nmhd hmhd sthd gmhd hdlr dinf stbl".split()),
    b"dinf": frozenset((b"dref",)),
    b"stbl": frozenset(
        b"stsd stts ctts cslg stsc stsz stz2 stco co64 stss stsh stps padb stdp sdtp sbgp sgpd "
        b"subs saiz saio".split()
    ),
    b"mvex": frozenset(b"mehd trex leva".split()),
    b"moof": frozenset(b"mfhd traf pssh".split()),
    b"traf": frozenset(b"tfhd tfdt trun sdtp sbgp sgpd subs saiz saio senc".split()),
    b"mfra": frozenset(b"tfra mfro".split()),
    b"meta": frozenset(b"hdlr dinf pitm iinf iloc iprp iref idat grpl".split()),
    b"iprp": frozenset(b"ipco ipma".split()),
    b"ipco": frozenset(
        b"ispe pixi irot imir clap colr hvcC av1C avcC lhvC auxC pasp lsel a1op a1lx clli mdcv "
        b"cclv amve rloc oinf tols ccst auxi".split()
    ),
    b"jp2h": frozenset(b"ihdr bpcc colr pclr cmap cdef".split()) | {b"res "},
}
_PLAYED = frozenset(b"vide soun text sbtl subt clcp pict auxv hint".split())


def is_bmff(octets: bytes) -> bool:
    """Say whether a file is of boxes."""
    return octets[4:8] in _BEGINNINGS or octets.startswith((_JPEG_2000, _JPEG_XL))


def strip_bmff(octets: bytes) -> bytes:
    """Return the film or picture without metadata. Raises Unclean where it can't be followed."""
    stripper = _Stripper(octets, bytearray(octets))
    try:
        stripper.walk(_TOP, 0, len(octets))
    except struct.error:
        raise Unclean(_DAMAGED) from None
    return bytes(stripper.made)


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its name, where it starts, where its content does and where it ends."""

    name: bytes
    start: int
    body: int
    end: int


@dataclass(slots=True)
class _Stripper:
    octets: bytes
    made: bytearray
    boxes: int = 0
    lost_track: bool = False
    samples: Samples = field(init=False)
    items: Blankable = field(init=False)

    def __post_init__(self) -> None:
        self.samples = Samples(self.made)
        self.items = Blankable(most_pieces(self.octets), len(self.octets))

    def _boxes(self, at: int, end: int) -> Iterator[Box]:
        while at + 8 <= end:
            size, name = struct.unpack_from(">I4s", self.octets, at)
            body = at + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.octets, body)
                body += 8
            elif size == 0:
                size = end - at
            self.boxes += 1
            if at + size < body or at + size > end or self.boxes > MAX_BOXES:
                raise Unclean(_DAMAGED)
            yield Box(name, at, body, at + size)
            at += size

    def walk(self, parent: bytes, at: int, end: int) -> None:
        """Clean the boxes between `at` and `end`."""
        for box in self._boxes(at, end):
            if box.name not in _KEPT[parent] or not self._is_seen(box):
                self._free(box)
                continue
            rule = _RULES.get(box.name)
            if rule is not None:
                rule(self, box)
            elif box.name in _KEPT:
                self.walk(box.name, box.body, box.end)

    def _is_seen(self, box: Box) -> bool:
        if box.name == b"trak":
            return self._is_played(box)
        # In a film this box is what players call its tags; in a picture it says where all is.
        return (
            box.name != b"meta" or self._handler(Box(b"meta", 0, box.body + 4, box.end)) == b"pict"
        )

    def _is_played(self, track: Box) -> bool:
        media = self._inside(track, b"mdia")
        if media is None:
            raise Unclean(_DAMAGED)
        if self._handler(media) in _PLAYED:
            return True
        table = self._inside(media, b"minf", b"stbl")
        if table is None:
            raise Unclean(_DAMAGED)
        found = {
            box.name: self.octets[box.body : box.end] for box in self._boxes(table.body, table.end)
        }
        self.samples.blank(found)
        self.lost_track = True
        return False

    def _inside(self, box: Box, *path: bytes) -> Box | None:
        for name in path:
            found = next(
                (each for each in self._boxes(box.body, box.end) if each.name == name), None
            )
            if found is None:
                return None
            box = found
        return box

    def _handler(self, box: Box) -> bytes:
        handler = self._inside(box, b"hdlr")
        return b"" if handler is None else self.octets[handler.body + 8 : handler.body + 12]

    def _free(self, box: Box) -> None:
        self.made[box.start + 4 : box.start + 8] = b"free"
        self._blank(box.body, box.end)

    def _blank(self, start: int, end: int) -> None:
        self.made[start:end] = bytes(max(0, end - start))

    # ---- what changes inside of boxes that stay

    def times(self, box: Box) -> None:
        """Blank when it was made and changed."""
        self._blank(box.body + 4, box.body + (20 if self.octets[box.body] == 1 else 12))

    def handler(self, box: Box) -> None:
        """Blank who wrote the box, and the track's name."""
        self._blank(box.body + 12, box.end)

    def references(self, box: Box) -> None:
        """Blank where else the media were: in old films the whole path on a disk."""
        for each in self._boxes(box.body + 8, box.end):
            self._blank(each.body + 4, each.end)

    def sample_kinds(self, box: Box) -> None:
        """Blank the makers and names of codecs and encoders."""
        blank_encoders(self.made, box.body, box.end)
        for entry in self._boxes(box.body + 8, box.end):
            if entry.end - entry.start >= 24 and entry.name not in _WORDS:
                self._blank(entry.start + 20, entry.start + 24)
            if entry.name in _FILM:
                self._blank(entry.start + 50, min(entry.start + 82, entry.end))
                for child in self._boxes(entry.start + 86, entry.end):
                    if child.name == b"colr":
                        self.colour(child)

    def colour(self, box: Box) -> None:
        """Clean a colour profile; its size stays."""
        kind = self.octets[box.body : box.body + 4]
        if kind in {b"prof", b"rICC"}:
            at = box.body + 4
        elif self.octets[box.body] == 2 and self.octets.startswith(_JPEG_2000):
            at = box.body + 3  # its method is one octet, then two more
        else:
            return  # numbers that name a colour space
        profile = strip_icc(self.octets[at : box.end])
        self.made[at : box.end] = profile.ljust(max(0, box.end - at), b"\0")

    def frames(self, box: Box) -> None:
        """Blank the names of encoders."""
        blank_encoders(self.made, box.body, box.end)

    def comments(self, box: Box) -> None:
        """Blank the comments of JPEG 2000."""
        blank_comments(self.made, box.body, box.end)

    def fragment(self, box: Box) -> None:
        """Go through a fragment of a film."""
        if self.lost_track:
            raise Unclean(_DAMAGED)  # samples of the lost track may be in it
        self.walk(box.name, box.body, box.end)

    def picture(self, box: Box) -> None:
        """Go through the description of a picture; then blank items that are not shown."""
        boxes = {each.name: each for each in self._boxes(box.body + 4, box.end)}
        self.walk(box.name, box.body + 4, box.end)
        listed, placed, inner = (boxes.get(name) for name in (b"iinf", b"iloc", b"idat"))
        if listed is not None and placed is not None:
            hidden = hidden_items(self.made, listed.body, listed.end)
            inner_start = inner.body if inner is not None else 0
            places = self.octets[placed.body : placed.end]
            blank_items(self.made, places, hidden, inner_start, self.items)


# Sample entries by name: subtitles, whose entries have another shape; film, with a long one.
_WORDS = frozenset(b"text tx3g wvtt stpp sbtt stxt c608 c708 mp4s".split())
_FILM = frozenset(
    b"avc1 avc2 avc3 avc4 hvc1 hev1 vp08 vp09 av01 mp4v s263 jpeg mjpa mjpb apch apcn apcs apco "
    b"ap4h dvh1 dvhe encv SVQ1 SVQ3 cvid".split()
) | {b"png ", b"raw ", b"rle ", b"dvc ", b"dvcp"}
_RULES: Mapping[bytes, Callable[[_Stripper, Box], None]] = {
    **dict.fromkeys((b"mvhd", b"tkhd", b"mdhd"), _Stripper.times),
    b"hdlr": _Stripper.handler,
    b"dref": _Stripper.references,
    b"stsd": _Stripper.sample_kinds,
    b"colr": _Stripper.colour,
    b"mdat": _Stripper.frames,
    b"jp2c": _Stripper.comments,
    b"moof": _Stripper.fragment,
    b"meta": _Stripper.picture,
}
