# SPDX-License-Identifier: Apache-2.0
"""Whether the domain in From answers for a message, and what it asks for if not (RFC 9989).

Trust: the author's domain is what a stranger wrote; records are what owners of domains wrote.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from eepost.services.gateway.authentication.names import parents
from eepost.services.gateway.authentication.questions import (
    DnsUnavailable,
    Found,
    Kind,
    LookUp,
)
from eepost.services.gateway.authentication.signatures import DkimVerdict
from eepost.services.gateway.authentication.spf import SpfVerdict

# RFC 9989 4.10: from a longer name the walk goes on at seven labels.
WALKED_LABELS: Final = 7
# Real ones have a hundred or two.
MAX_RECORD_CHARACTERS: Final = 4_096


class Policy(IntEnum):
    """What a domain asks for where nobody answers for mail in its name; the stricter is greater."""

    NONE = 0
    QUARANTINE = 1
    REJECT = 2


_POLICIES: Final = {each.name.lower(): each for each in Policy}


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC record: what it asks for, of itself and of domains below it (RFC 9989 4.7)."""

    policy: Policy | None  # None: it says nothing that could be followed
    subdomain_policy: Policy | None = None
    nonexistent_policy: Policy | None = None
    is_dkim_strict: bool = False
    is_spf_strict: bool = False
    is_testing: bool = False
    is_public_suffix: bool | None = None  # psd=y, psd=n, or not said

    def asks_for(self, *, is_below: bool, exists: bool) -> Policy:
        """Return the policy for a domain: the record's own, or one below it."""
        own = self.policy or Policy.NONE
        chosen = own
        if is_below:
            chosen = own if self.subdomain_policy is None else self.subdomain_policy
            if not exists and self.nonexistent_policy is not None:
                chosen = self.nonexistent_policy
        # RFC 9989 4.7, t=y: one step milder while the owner is still trying things out.
        return Policy(max(chosen - 1, 0)) if self.is_testing else chosen


@dataclass(frozen=True, slots=True)
class DmarcVerdict:
    """none, pass, fail or temperror; `policy` is what to do with a fail."""

    result: str
    domain: str = field(default="", repr=False)
    policy: Policy = Policy.NONE


def read_record(found: Found) -> Record | None:
    """Return the one DMARC record among TXT records; several are none (RFC 9989 4.10)."""
    records = [
        tags
        for text in found.texts
        if len(text) <= MAX_RECORD_CHARACTERS and (tags := _tags(text)) is not None
    ]
    if len(records) != 1:
        return None
    tags = records[0]
    policy = _POLICIES.get(tags.get("p", "").lower())
    if policy is None and "mailto:" in tags.get("rua", "").lower():
        policy = Policy.NONE  # RFC 9989 4.7: reports are wanted, so the record counts
    return Record(
        policy=policy,
        subdomain_policy=_POLICIES.get(tags.get("sp", "").lower()),
        nonexistent_policy=_POLICIES.get(tags.get("np", "").lower()),
        is_dkim_strict=tags.get("adkim", "").lower() == "s",
        is_spf_strict=tags.get("aspf", "").lower() == "s",
        is_testing=tags.get("t", "").lower() == "y",
        is_public_suffix={"y": True, "n": False}.get(tags.get("psd", "").lower()),
    )


def _tags(text: str) -> Mapping[str, str] | None:
    pairs = [each.partition("=") for each in text.split(";")]
    version = pairs[0]
    if version[0].strip() != "v" or version[2].strip() != "DMARC1":
        return None
    tags: dict[str, str] = {}
    for name, _, value in pairs[1:]:
        tags.setdefault(name.strip().lower(), value.strip())
    return tags


class Evaluation:
    """One message's questions; what was learnt of a name is not asked again."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._records: dict[str, Record | None] = {}

    def judge(
        self, author: str, spf: SpfVerdict, signatures: Iterable[DkimVerdict]
    ) -> DmarcVerdict:
        """Return what the domain `author` (of From, ASCII) says of the message."""
        try:
            return self._judge(author, spf, signatures)
        except DnsUnavailable:
            return DmarcVerdict("temperror", author)

    def _judge(
        self, author: str, spf: SpfVerdict, signatures: Iterable[DkimVerdict]
    ) -> DmarcVerdict:
        at, record = self._policy_record(author)
        if record is None or record.policy is None:
            return DmarcVerdict("none", author)
        signed = {each.domain for each in signatures if each.result == "pass"}
        sent = {spf.domain} if spf.result == "pass" else set()
        if self._is_aligned(author, sent, record.is_spf_strict) or self._is_aligned(
            author, signed, record.is_dkim_strict
        ):
            return DmarcVerdict("pass", author)
        is_below = at != author
        exists = not is_below or self._look_up(author, Kind.A).exists
        return DmarcVerdict("fail", author, record.asks_for(is_below=is_below, exists=exists))

    def _is_aligned(self, author: str, domains: Iterable[str], is_strict: bool) -> bool:
        """Whether the author's domain, or one under the same owner, is among `domains`."""
        domains = set(domains)
        if author in domains:
            return True
        if is_strict or not domains:
            return False
        owner = self.organizational_domain(author)
        return any(self.organizational_domain(each) == owner for each in sorted(domains))

    def organizational_domain(self, domain: str) -> str:
        """Return the domain that owns `domain` (RFC 9989 4.10.2). Raises DnsUnavailable."""
        walked = self._walk(domain)
        for name, record in walked:
            if record.is_public_suffix is False:
                return name
            if record.is_public_suffix and name != domain:
                return ".".join(domain.split(".")[-(name.count(".") + 2) :])
        return walked[-1][0] if walked else domain

    def _policy_record(self, author: str) -> tuple[str, Record | None]:
        """Return whose record counts for `author`, and the record (RFC 9989 4.10.1)."""
        own = self._record(author)
        if own is not None:
            return author, own
        walked = dict(self._walk(author))
        owner = self.organizational_domain(author)
        if owner in walked:
            return owner, walked[owner]
        for name, record in walked.items():
            if record.is_public_suffix:
                return name, record
        return author, None

    def _walk(self, domain: str) -> list[tuple[str, Record]]:
        """Return the records from `domain` upwards, as far as they are asked for."""
        labels = domain.split(".")
        shortened = ".".join(labels[-WALKED_LABELS:])
        above = (
            parents(shortened)
            if len(labels) <= WALKED_LABELS
            else [
                shortened,
                *parents(shortened),
            ]
        )
        walked: list[tuple[str, Record]] = []
        for name in (domain, *above):
            record = self._record(name)
            if record is None:
                continue
            walked.append((name, record))
            if record.is_public_suffix is not None:
                break
        return walked

    def _record(self, domain: str) -> Record | None:
        if domain not in self._records:
            self._records[domain] = read_record(self._look_up(f"_dmarc.{domain}", Kind.TXT))
        return self._records[domain]
