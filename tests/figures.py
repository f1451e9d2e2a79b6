# SPDX-License-Identifier: Apache-2.0
"""What tests measure besides what they assert; printed after the tests, in the order it came.

A conftest that wants it imports both names.
"""

from collections.abc import Callable

import pytest

Figure = Callable[[str], None]
_FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figure(pytestconfig: pytest.Config) -> Figure:
    """Note a measurement."""
    return pytestconfig.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print what was noted, once however many folders ask for it."""
    figures = config.stash.get(_FIGURES, [])
    if figures:
        terminalreporter.section("measured, not asserted")
    for text in figures:
        terminalreporter.line(text)
    figures.clear()
