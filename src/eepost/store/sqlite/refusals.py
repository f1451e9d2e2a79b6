# SPDX-License-Identifier: Apache-2.0
"""Why a store is not opened or not made. All of these are for the operator."""


class StoreExists(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """There is a store in this directory already."""


class WrongStartKey(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The start key is not the one that the store was made with."""


class NewerSchema(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The store was written by a newer release."""


class OldSqlite(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """The SQLite library that Python was built with is too old."""
