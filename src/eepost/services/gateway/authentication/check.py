# SPDX-License-Identifier: Apache-2.0
"""All checks of one message together, and the field that tells the reader what came of them.

Trust: everything here was written by whoever sent the message; of it only domains, and only as
names that can stand in a header field, come out.
"""

from dataclasses import dataclass, field

from eepost.mail.address import Address
from eepost.mail.header import Header
from eepost.mail.mailbox import parse_mailboxes
from eepost.mail.verdict import Method, write_verdict
from eepost.mail.violation import PeerViolation
from eepost.services.gateway.authentication.dmarc import DmarcVerdict, Evaluation, Policy
from eepost.services.gateway.authentication.names import ascii_domain
from eepost.services.gateway.authentication.questions import LookUp
from eepost.services.gateway.authentication.signatures import (
    ArcVerdict,
    DkimVerdict,
    check_arc,
    check_dkim,
)
from eepost.services.gateway.authentication.spf import SpfVerdict, check_spf

# Authors of one message: two or three exist; each costs a walk through the DNS.
MAX_AUTHORS = 4


class ChecksBusy(Exception):  # noqa: N818 - an outcome for the caller, not a fault
    """There is no place to check a message now, or it took too long: the sender tries again."""


@dataclass(frozen=True, slots=True, repr=False)
class Sender:
    """Who delivers: a numeric address, the name given in EHLO, the reverse-path."""

    peer: str
    helo: str
    reverse_path: Address | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all checks said."""

    spf: SpfVerdict
    signatures: tuple[DkimVerdict, ...] = ()
    arc: ArcVerdict = field(default_factory=lambda: ArcVerdict("none"))
    dmarc: DmarcVerdict = field(default_factory=lambda: DmarcVerdict("none"))

    @property
    def is_temporary(self) -> bool:
        """The author's domain could not be asked what it wants."""
        return self.dmarc.result == "temperror"

    @property
    def is_rejected(self) -> bool:
        """The author's domain asks that nobody takes this message."""
        return self.dmarc.result == "fail" and self.dmarc.policy is Policy.REJECT

    @property
    def is_sender_forged(self) -> bool:
        """The reverse-path's domain denies the sender, and nobody else answers for the author."""
        return self.spf.result == "fail" and self.dmarc.result == "none" and not self._signed

    @property
    def _signed(self) -> bool:
        return any(each.result == "pass" for each in self.signatures)

    def field(self, host: str) -> bytes:
        """Return the Authentication-Results field of the gateway called `host`."""
        return write_verdict(host, self._methods())

    def _methods(self) -> list[Method]:
        asked = self.dmarc.policy.name.lower() if self.dmarc.result == "fail" else ""
        dmarc = (("header.from", self.dmarc.domain), ("policy.dmarc", asked))
        signed = [
            Method("dkim", each.result, (("header.d", each.domain),)) for each in self.signatures
        ]
        forwarded = [Method("arc", self.arc.result, (("arc.sealer", self.arc.sealer),))]
        return [
            Method("spf", self.spf.result, ((f"smtp.{self.spf.identity}", self.spf.domain),)),
            *(signed or [Method("dkim", "none")]),
            *(forwarded if self.arc.result != "none" else []),
            Method("dmarc", self.dmarc.result, dmarc),
        ]


def authenticate(message: bytes, header: Header, sender: Sender, look_up: LookUp) -> Verdict:
    """Return the verdict on `message` as it was sent; takes as long as its questions do."""
    spf = check_spf(sender.peer, sender.helo, sender.reverse_path, look_up)
    signatures = tuple(check_dkim(message, look_up))
    arc = check_arc(message, message[: header.body_start], look_up)
    evaluation = Evaluation(look_up)
    domains = author_domains(header)
    verdicts = [evaluation.judge(each, spf, signatures) for each in domains[:MAX_AUTHORS]]
    if len(domains) > MAX_AUTHORS:
        # Nobody writes so, and one of those that are not asked may be the one who denies it.
        verdicts.append(DmarcVerdict("fail", domains[-1], Policy.REJECT))
    dmarc = max(verdicts, key=_severity, default=DmarcVerdict("none"))
    return Verdict(spf, signatures, arc, dmarc)


def _severity(verdict: DmarcVerdict) -> tuple[int, int]:
    """The worst of several authors counts (RFC 9989 4.9 leaves such mail to the receiver)."""
    return ("pass", "none", "temperror", "fail").index(verdict.result), verdict.policy


def author_domains(header: Header) -> list[str]:
    """Return the domains in From, each once."""
    domains: dict[str, None] = {}
    for name, _, value in header.fields:
        if name.lower() != b"from":
            continue
        try:
            found = parse_mailboxes(value).mailboxes
        except PeerViolation:
            continue
        for mailbox in found:
            domain = ascii_domain(mailbox.address.domain)
            if domain is not None:
                domains[domain] = None
    return list(domains)
