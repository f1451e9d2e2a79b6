# SPDX-License-Identifier: Apache-2.0
"""Turns the core's expected failures into sentences for the person at the command line."""

from collections.abc import Callable
from typing import Any, Final

from eepost.accounts.names import NameRefused
from eepost.accounts.passwords import PasswordRefused
from eepost.accounts.ports import AccountChanged, NameTaken, NoSuchAccount
from eepost.accounts.registry import OldRecoveryCode, WrongRecoveryCode
from eepost.app.cli import plain_failure
from eepost.app.signatures import SignaturesRefused
from eepost.maildrop.ports import StoreUnavailable
from eepost.seal.recovery import RecoveryCodeRefused
from eepost.store.sqlite.store import NewerSchema, StoreExists, WrongStartKey

_SENTENCES: Final[dict[type[Exception], Callable[[Any], str]]] = {
    NameRefused: lambda error: f"this name can't be used: {error}",
    PasswordRefused: lambda error: f"this password can't be used: {error}",
    NameTaken: lambda _: (
        "this name is taken, or was: a deleted address is never given out again,"
        " since its mail would reach a stranger"
    ),
    NoSuchAccount: lambda _: "there is no such account; `eepost account list` shows them all",
    AccountChanged: lambda _: "the account was changed by somebody else just now; try again",
    WrongRecoveryCode: lambda _: "this recovery code opens nothing of this account",
    OldRecoveryCode: lambda _: (
        "this code opens old mail only: give the account's password of today with it, not a new one"
    ),
    RecoveryCodeRefused: lambda error: f"this is no recovery code: {error}",
    StoreUnavailable: lambda _: (
        "the store can't do that now: is the disk full, or does another program hold it?"
    ),
    StoreExists: lambda _: "there is a store in this directory already",
    WrongStartKey: lambda _: "this start key does not belong to this store",
    SignaturesRefused: str,
    NewerSchema: lambda _: "this store was written by a newer eepost; update the program",
}


def explain(error: Exception) -> str | None:
    """Return the sentence for `error`, None where it was not expected."""
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            return sentence(error)
    return plain_failure.explain(error)
