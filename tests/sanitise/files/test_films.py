# SPDX-License-Identifier: Apache-2.0
"""Sound and film that real programs made: played as before, with nothing left that tells."""

from pathlib import Path

import pytest

from eepost.sanitise.files.strip import strip_file
from tests.sanitise.files.tools import SECRET, decoded, ffmpeg, telling_tags, written_into

TAGS = tuple(
    each
    for name in ("title", "artist", "comment", "encoded_by", "location", "creation_time")
    for each in (
        "-metadata",
        f"{name}={'2026-11-20T10:11:12Z' if name.endswith('time') else SECRET}",
    )
)
STREAM_TAGS = ("-metadata:s:v:0", f"handler_name={SECRET}", "-metadata:s:v:0", f"title={SECRET}")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1.5")
FILM = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1")
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
KINDS: dict[str, tuple[str, ...]] = {
    "mp3": SOUND,
    "flac": SOUND,
    "wav": (*SOUND, "-write_bext", "1"),
    "aiff": (*SOUND, "-write_id3v2", "1"),
    "oga": (*SOUND, "-c:a", "libvorbis"),
    "opus": (*SOUND, "-c:a", "libopus"),
    "m4a": SOUND,
    "mp4": (*FILM, *SOUND, *H264, "-movflags", "+use_metadata_tags"),
    "mov": (*FILM, *SOUND, "-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    "timecode.mov": (*FILM, "-c:v", "mjpeg", "-timecode", "01:02:03:04"),
    "3gp": (*FILM, "-c:v", "mpeg4"),
    "mkv": (*FILM, *SOUND, "-c:v", "libx264", "-c:a", "libvorbis"),
    "webm": (*FILM, *SOUND, "-c:v", "libvpx", "-c:a", "libopus"),
    "avi": (*FILM, *SOUND, "-c:v", "mpeg4", "-c:a", "mp3"),
    "ogv": (*FILM, *SOUND, "-c:v", "libtheora", "-c:a", "libvorbis"),
}


@pytest.fixture(params=KINDS)
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    kind: str = request.param
    file = tmp_path / f"before.{kind}"
    ffmpeg(*KINDS[kind], *TAGS, *(STREAM_TAGS if "testsrc" in str(KINDS[kind]) else ()), file)
    return file


def test_what_is_played_stays_and_what_tells_goes(film: Path) -> None:
    before = film.read_bytes()
    assert SECRET.encode() in before
    cleaned = strip_file(before)
    after = film.with_stem("after")
    after.write_bytes(cleaned.octets)
    assert cleaned.kind
    assert SECRET.encode() not in cleaned.octets
    for encoder in (b"Lavf", b"Lavc", b"LAME3", b"x264"):
        assert encoder not in cleaned.octets
    assert telling_tags(film), "exiftool finds nothing even before"
    # What all encoders are called: the name says that their delays follow.
    assert telling_tags(after) == ({"MPEG:Encoder": "LAME"} if film.suffix == ".mp3" else {})
    assert decoded(after) == decoded(film)
    assert strip_file(cleaned.octets).octets == cleaned.octets


def test_places_that_exiftool_writes_into_a_film_go(tmp_path: Path) -> None:
    file = tmp_path / "before.mp4"
    ffmpeg(*FILM, *H264, file)
    tags = ("-GPSCoordinates=51.7,-1.2,60", "-Keys:Make=Pear", f"-XMP:Creator={SECRET}")
    before = written_into(
        file, *tags, f"-UserData:Model={SECRET}", "-Track1:TrackCreateDate=2026:11:20 01:02:03"
    )
    assert {"XMP-dc:Creator", "Keys:Make"} <= telling_tags(file).keys()
    after = tmp_path / "after.mp4"
    after.write_bytes(strip_file(before).octets)
    assert telling_tags(after) == {}
    assert decoded(after) == decoded(file)
