# SPDX-License-Identifier: Apache-2.0
"""Drives Thunderbird without a screen, from the inside, by its own remote control."""

from tests.interop.thunderbird.program import fetch, inbox_file, send

__all__ = ["fetch", "inbox_file", "send"]
