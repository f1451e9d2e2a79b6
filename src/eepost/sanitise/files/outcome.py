# SPDX-License-Identifier: Apache-2.0
"""What the strippers share."""


class Unclean(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The file could not be cleaned; the text is public and constant."""
