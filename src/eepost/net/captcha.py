# SPDX-License-Identifier: Apache-2.0
"""Draws and speaks digits that programs find hard to read. Both block: use a thread."""

from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha

_WIDTH, _HEIGHT = 200, 70


def draw(digits: str) -> bytes:
    """Return a PNG of some 9 kB; takes 60 ms."""
    return bytes(ImageCaptcha(width=_WIDTH, height=_HEIGHT).generate(digits).getvalue())


def speak(digits: str) -> bytes:
    """Return a WAV of some 100 kB, English; takes 0.4 s."""
    return bytes(AudioCaptcha().generate(digits))
