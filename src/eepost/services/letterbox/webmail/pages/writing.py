# SPDX-License-Identifier: Apache-2.0
"""Writing: a form for new mail, answers, forwards and drafts; sent through the letterbox's spool.

Nothing that was typed or attached is lost: what can't be sent as it is becomes a draft.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from eepost.letters.model import Accepted, Flag, Folder
from eepost.mail.mailbox import Mailbox as Person
from eepost.pages.visits import Answer, FormBounds, Moved, Shown, Wrong
from eepost.services.letterbox.ports import DiskFull, NoSuchMessage, NotAllowed
from eepost.services.letterbox.webmail import openpgp
from eepost.services.letterbox.webmail.composing import (
    MAX_SUBJECT_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Enclosed,
    Letter,
    Unreadable,
    answer,
    compose,
    encrypted,
    forward,
    read_addresses,
    write_addresses,
)
from eepost.services.letterbox.webmail.desk import Page, Visit
from eepost.services.letterbox.webmail.drafts import Typed, draft_field, read_draft
from eepost.services.letterbox.webmail.opening import Cover, Mail
from eepost.services.letterbox.webmail.pages.messages import opened
from eepost.services.letterbox.webmail.reading import Attached
from eepost.services.letterbox.webmail.records import book, change_book, key_ring

# What services take is 10 to 50 MB with the third that encoding adds.
MAX_UPLOAD_OCTETS = 26_214_400
MAX_FILES = 20
# Suggested while an address is typed.
MAX_SUGGESTED = 200
_KEEP: Final = "keep-"
_MISSING: Final = Shown("missing.html", status=404)


@dataclass(frozen=True, slots=True, repr=False)
class Start:
    """What the form begins with: texts, and the mail whose files may go along."""

    typed: Typed
    base: Mail | None = None

    @property
    def files(self) -> Sequence[Attached]:
        """Files that may go along."""
        return self.base.reading.files if self.base is not None else ()


async def show_writing(visit: Visit) -> Answer:
    """Show the form."""
    try:
        start = await _start(visit)
    except NoSuchMessage:
        return _MISSING
    ring = await key_ring(visit.mailbox)
    people = (await book(visit.mailbox)).found("")
    query = "&".join(f"{name}={text}" for name, text in _numbers(visit).items() if text)
    return Shown(
        "write.html",
        {
            "start": start.typed,
            "files": start.files,
            "people": people[:MAX_SUGGESTED],
            "has_key": bool(ring.own),
            "target": "/write" + (f"?{query}" if query else ""),
        },
    )


def _numbers(visit: Visit) -> dict[str, int]:
    """Return what mails the form is about, and whether all are answered."""
    asked = {}
    for name in ("draft", "reply", "forward", "all"):
        text = visit.query.get(name, "")
        asked[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    return asked


async def _start(visit: Visit) -> Start:
    asked = _numbers(visit)
    author = visit.mailbox.address
    if asked["draft"]:
        base = await opened(visit, asked["draft"])
        return Start(read_draft(base.reading) or _typed(_as_letter(base, author)), base)
    if asked["reply"]:
        mail = await opened(visit, asked["reply"])
        letter = answer(mail.reading, visit.mailbox.addresses, author, to_all=bool(asked["all"]))
        is_secret = mail.cover is Cover.ENCRYPTED
        return Start(_typed(letter, answers=asked["reply"], encrypt=is_secret))
    if asked["forward"]:
        mail = await opened(visit, asked["forward"])
        is_secret = mail.cover is Cover.ENCRYPTED
        letter = forward(mail.reading, author)
        return Start(_typed(letter, forwards=asked["forward"], encrypt=is_secret), mail)
    return Start(Typed(to=visit.query.get("to", "")))


def _as_letter(mail: Mail, author: str) -> Letter:
    head = mail.reading.head
    text = mail.reading.text
    return Letter(author, to=head.to, cc=head.cc, subject=head.subject, text=text)


def _typed(letter: Letter, *, answers: int = 0, forwards: int = 0, encrypt: bool = False) -> Typed:
    return Typed(
        to=write_addresses(letter.to),
        cc=write_addresses(letter.cc),
        subject=letter.subject,
        text=letter.text,
        encrypt=encrypt,
        answers=answers,
        forwards=forwards,
    )


async def act(visit: Visit) -> Answer:
    """Send, or keep as a draft."""
    try:
        start = await _start(visit)
    except NoSuchMessage:
        return _MISSING
    typed = _from_form(visit, start.typed)
    files = _files(visit, start)
    if visit.form.get("what") != "send":
        return await _keep_draft(visit, typed, files, "Kept as a draft.")
    try:
        return await _send(visit, typed, files)
    except Wrong as wrong:
        if not visit.files:
            raise
        # The browser would have to be given the files once more: a draft keeps them.
        words = " ".join(wrong.problems.values())
        return await _keep_draft(visit, typed, files, f"Not sent, but kept as a draft. {words}")


def _from_form(visit: Visit, start: Typed) -> Typed:
    form = visit.form
    problems = {}
    if len(form.get("subject", "")) > MAX_SUBJECT_CHARACTERS:
        problems["subject"] = "This subject is too long."
    if len(form.get("text", "")) > MAX_TEXT_CHARACTERS:
        problems["text"] = "This text is too long for a mail: send it as a file."
    if problems:
        raise Wrong(problems)
    return Typed(
        to=form.get("to", ""),
        cc=form.get("cc", ""),
        bcc=form.get("bcc", ""),
        subject=" ".join(form.get("subject", "").split()),
        text=form.get("text", ""),
        encrypt=form.get("encrypt") == "yes",
        answers=start.answers,
        forwards=start.forwards,
    )


def _files(visit: Visit, start: Start) -> tuple[Enclosed, ...]:
    kept = [each for each in start.files if visit.form.get(f"{_KEEP}{each.number}") == "yes"]
    reading = start.base.reading if start.base is not None else None
    old = [Enclosed(each.name, reading.content(each.part)) for each in kept] if reading else []
    return (*old, *(Enclosed(each.name, each.octets) for each in visit.files))


async def _keep_draft(
    visit: Visit, typed: Typed, files: tuple[Enclosed, ...], words: str
) -> Answer:
    """Keep what was typed instead of the draft before."""
    desk, mailbox = visit.desk, visit.mailbox
    letter = Letter(
        mailbox.address,
        to=_readable(typed.to, visit.domain),
        subject=typed.subject,
        text=typed.text,
        files=files,
    )
    octets = draft_field(typed) + compose(letter, desk.now_utc(), desk.randomness)
    try:
        number = await mailbox.file(Folder.DRAFTS, octets, flags=Flag.READ)
    except DiskFull:
        raise Wrong("The disk is full: this could not be kept.") from None
    await _drop_draft(visit)
    return Moved(f"/write?draft={number}", words)


def _readable(typed: str, domain: str) -> tuple[Person, ...]:
    try:
        return read_addresses(typed, domain)
    except Unreadable:
        return ()


async def _drop_draft(visit: Visit) -> None:
    draft = _numbers(visit)["draft"]
    try:
        is_draft = draft > 0 and visit.mailbox.summary(draft).folder == Folder.DRAFTS
    except NoSuchMessage:
        return
    if is_draft:
        await visit.mailbox.erase([draft])


async def _send(visit: Visit, typed: Typed, files: tuple[Enclosed, ...]) -> Answer:
    letter = await _threaded(visit, typed, _addressed(visit, typed, files))
    try:
        if typed.encrypt:
            accepted, copy = await _send_encrypted(visit, letter)
        else:
            copy = compose(letter, visit.desk.now_utc(), visit.desk.randomness)
            accepted = await visit.mailbox.send(letter.author, letter.recipients, copy)
    except NotAllowed as refused:
        raise Wrong(f"{refused.text}.") from None
    except DiskFull:
        raise Wrong("The disk is full: this could not be sent.") from None
    return Moved("/outbox", await _after_sending(visit, typed, letter, accepted, copy))


def _addressed(visit: Visit, typed: Typed, files: tuple[Enclosed, ...]) -> Letter:
    problems: dict[str, str] = {}
    read: dict[str, tuple[Person, ...]] = {}
    for name, text in (("to", typed.to), ("cc", typed.cc), ("bcc", typed.bcc)):
        try:
            read[name] = read_addresses(text, visit.domain)
        except Unreadable as unreadable:
            problems[name] = f"This is no address: {unreadable.text[:100]}"
    if not problems and not any(read.values()):
        problems["to"] = "Say to whom this is to be sent."
    if problems:
        raise Wrong(problems)
    return Letter(
        author=visit.mailbox.address,
        to=read["to"],
        cc=read["cc"],
        bcc=read["bcc"],
        subject=typed.subject,
        text=typed.text,
        files=files,
    )


async def _threaded(visit: Visit, typed: Typed, letter: Letter) -> Letter:
    if not typed.answers:
        return letter
    try:
        head = (await opened(visit, typed.answers)).reading.head
    except NoSuchMessage:  # deleted meanwhile
        return letter
    return replace(letter, parent=head.message_id, references=head.references)


async def _send_encrypted(visit: Visit, letter: Letter) -> tuple[Accepted, bytes]:
    desk, mailbox = visit.desk, visit.mailbox
    ring = await key_ring(mailbox)
    if not ring.own:
        raise Wrong("You have no OpenPGP key yet: make one under Keys.")
    if letter.bcc:
        raise Wrong({"bcc": "Encrypted mail names the keys of all who can read it. Write to them"
                     " one by one."})  # fmt: skip
    found = {each: openpgp.certificate_for(ring, each) for each in letter.recipients}
    missing = [address for address, certificate in found.items() if certificate is None]
    if missing:
        raise Wrong(f"You have no key of {', '.join(missing)}: take it in under Keys, or send this"
                    " without encryption.")  # fmt: skip
    certificates = [each for each in found.values() if each is not None]
    # Nobody can clean it any more once it is encrypted.
    cleaned = await mailbox.clean(compose(letter, desk.now_utc(), desk.randomness))
    try:
        octets = await desk.offload(
            lambda: encrypted(
                cleaned.octets,
                lambda entity: openpgp.encrypt(entity, ring, certificates),
                desk.randomness,
            )
        )
    except openpgp.KeyRefused as refused:
        raise Wrong(refused.reason) from None
    accepted = await mailbox.send(letter.author, letter.recipients, octets)
    return Accepted(accepted.number, {**accepted.report, **cleaned.report}), octets


async def _after_sending(
    visit: Visit, typed: Typed, letter: Letter, accepted: Accepted, copy: bytes
) -> str:
    """Keep the copy, mark what was answered, remember the people; return what to say."""
    mailbox, now = visit.mailbox, visit.desk.now_utc()
    words = "Your mail waits here until the service has it."
    if accepted.report:
        words += " What was taken out of it stands below."
    try:
        await mailbox.file(Folder.SENT, copy, flags=Flag.READ)
        await _drop_draft(visit)
        if typed.answers:
            await mailbox.mark([typed.answers], Flag.ANSWERED, True)
        if typed.forwards:
            await mailbox.mark([typed.forwards], Flag.FORWARDED, True)
        people = [*letter.to, *letter.cc, *letter.bcc]
        await change_book(visit, lambda kept: kept.with_people(people, now))
    except DiskFull:
        words += " The disk is full: no copy of it could be kept."
    return words


PAGES = (
    Page(
        "/write",
        show_writing,
        act,
        bounds=FormBounds(octets=MAX_UPLOAD_OCTETS, fields=MAX_FILES * 60, files=MAX_FILES),
    ),
)
