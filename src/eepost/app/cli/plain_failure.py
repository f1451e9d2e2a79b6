# SPDX-License-Identifier: Apache-2.0
"""Turns the failures that every role may meet into sentences for the person at the command line."""

from eepost.app.config import ConfigError


def explain(error: Exception) -> str | None:
    """Return the sentence for `error`, None where it was not expected."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None
