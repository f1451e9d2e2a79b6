# SPDX-License-Identifier: Apache-2.0
"""Other people's programs that write metadata into files, show what is left, and decode."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SECRET = "Alice-in-Oxford"
# Tags by which exiftool names people, programs, machines, places and times; then such as only
# sound alike, or tell how to decode.
_TELLING = re.compile(
    "Date|Time|Author|Creat|Software|Encod|Make|Model|GPS|Artist|Title|Comment|Copyright|Handler|"
    "Vendor|Tool|Producer|Serial|Profile|Writing|Muxing|Application|Description|Compressor|"
    "Company|Manager|Template|Owner|User|Warning|History|Session|Creator|Printer|Thumbnail"
)
_STRUCTURE = re.compile(
    "CopyrightFlag|Encoding|EncodingSettings|(?:Current|Poster|Preview|Selection|Cue)Time|"
    "HandlerType|HandlerClass|CompressorID|(?:Media)?TimeScale|.*(?:Description|Sample|SampleTable|TimeOffset|TimeTable)|"
    "ProfileVersion|ProfileClass|ProfileConnectionSpace|ProfileFileSignature|ProfileCMMType|"
    "ColorProfiles|.*TimeToSample(?:Table)?|TrackHeaderVersion|.*TimecodeScale|HEVCConfiguration.*|"
    "EncodingProcess|ProfileName|MIMEEncoding|DCTEncodeVersion|Gen(?:eral)?Profile.*"
)
_NOTHING = re.compile(
    r"(?i)[0: +()-]*|0000:00:00 00:00:00.*|none|Unknown|1980:01:01 00:00:00|0x0|[\x00-\x20]*"
)


def run(*command: str | Path, octets: bytes = b"", folder: Path | None = None) -> bytes:
    """Return what a program writes; it must succeed. Skips the test where it is not installed."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [str(each) for each in command], input=octets, capture_output=True, check=False, cwd=folder
    )
    # exiftool says 1 where one of many files is none that it knows.
    allowed = {0, 1} if command[0] == "exiftool" else {0}
    assert done.returncode in allowed, done.stderr.decode("utf-8", "replace")[-2_000:]
    return done.stdout


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run ffmpeg, quietly and without a terminal."""
    return run("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments)


def decoded(file: Path) -> bytes:
    """Return a hash of all samples and frames of a file, as they are played."""
    return ffmpeg(
        "-i", file, "-map", "0:v?", "-map", "0:a?", "-f", "streamhash", "-hash", "md5", "-"
    )


def written_into(file: Path, *tags: str) -> bytes:
    """Return a file after exiftool has set tags in it."""
    run("exiftool", "-q", "-overwrite_original", *tags, file)
    return file.read_bytes()


def telling_tags(file: Path) -> dict[str, str]:
    """Return the tags of a file that tell something, by exiftool's names."""
    return _of_files(run("exiftool", *_SHOW, "-ee", file)).get(str(file), {})


def telling_files(folder: Path) -> dict[str, dict[str, str]]:
    """Return the files in a folder that tell something, with the tags that do."""
    return _of_files(run("exiftool", *_SHOW, "-r", "-ext", "*", folder))


_SHOW = ("-json", "-a", "-G1", "-u", "-api", "largefilesupport=1")


def _of_files(shown: bytes) -> dict[str, dict[str, str]]:
    files: Sequence[dict[str, object]] = json.loads(shown)
    found = {
        str(tags["SourceFile"]): {
            name: str(value)
            for name, value in tags.items()
            if not name.startswith(("System:", "ExifTool:", "SourceFile"))
            and _TELLING.search(tag := name.partition(":")[2])
            and not _STRUCTURE.fullmatch(tag)
            and not _NOTHING.fullmatch(str(value))
        }
        for tags in files
    }
    return {name: tags for name, tags in found.items() if tags}
