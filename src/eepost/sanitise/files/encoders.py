# SPDX-License-Identifier: Apache-2.0
"""Names and settings that encoders of film write into the first frame, where nothing is shown."""

import re

# Settings of x264 and x265 take some hundred characters; then the libraries below ffmpeg,
# Vorbis and MP3; then JPEG 2000's comment.
_NAMES = re.compile(
    rb"x26[45] (?:- core|\(build) [ -~]{0,4000}|Lav[cf][0-9]{2}[0-9.]{0,12}|XviD[0-9]{4}|"
    rb"Xiph\.Org libVorbis I [0-9]{8}|LAME3\.[0-9]{1,3}|"
    rb"Created by OpenJPEG version [0-9.]{1,12}|Kakadu-v[0-9.]{1,12}"
)


def blank_encoders(made: bytearray, start: int, end: int) -> None:
    """Put blanks in the place of such names between `start` and `end`."""
    for found in _NAMES.finditer(bytes(memoryview(made)[start:end])):
        made[start + found.start() : start + found.end()] = b" " * (found.end() - found.start())
