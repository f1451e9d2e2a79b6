# SPDX-License-Identifier: Apache-2.0
"""The two ways in which a pure room can be wronged."""


class PeerViolation(Exception):  # noqa: N818 - the house's name for it, see docs/style.md
    """What a peer sent is beyond the bounds or the protocol; the text is public and constant."""


class Misuse(Exception):  # noqa: N818 - the house's name for it, see docs/style.md
    """The caller broke a contract, for example by deciding what was not asked."""
