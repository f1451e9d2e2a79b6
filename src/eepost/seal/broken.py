# SPDX-License-Identifier: Apache-2.0
"""The one way in which opening can fail."""


class SealBroken(Exception):  # noqa: N818 - an outcome for the caller, not a fault of ours
    """The octets were not sealed under this key for this place, or were changed since.

    Which of them is not said: an answer that tells them apart is an oracle.
    """
