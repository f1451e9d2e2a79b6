# SPDX-License-Identifier: Apache-2.0
"""Whether a message's style still tells the program that wrote it.

A small naive Bayes classifier learns from some of the messages which family of programs writes how
and guesses for the others. It must do well on untouched mail, or it proves nothing.
"""

import email
import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from email.message import Message

from tests.figures import Figure
from tests.sanitise.corpus import real_messages
from tests.sanitise.parts import children, content
from tests.sanitise.test_real_messages import outcomes

# How a program names itself; the first that is found counts.
FAMILIES = {
    "thunderbird": rb"thunderbird",
    "mozilla": rb"mozilla|netscape|seamonkey",
    "apple": rb"apple mail|iphone mail|ipad mail",
    "outlook express": rb"outlook express|windows (?:live )?mail",
    "outlook": rb"outlook|exchange",
    "gmail": rb"mail\.gmail\.com",
    "perl": rb"mime-tools|mime::lite|perl",
    "php": rb"phpmailer|php",
    "java": rb"javamail",
    "unix": rb"mutt|pine|gnus|evolution|kmail",
}
NAMING = re.compile(rb"(?im)^(?:x-mailer|user-agent|x-mimeole|message-id):(.*)$")


def family(message: bytes) -> str | None:
    named = b" ".join(NAMING.findall(message.partition(b"\r\n\r\n")[0])).lower()
    return next((name for name, pattern in FAMILIES.items() if re.search(pattern, named)), None)


def shape(text: str) -> str:
    """A value with letters and digits made alike: its habits without its content."""
    return re.sub(r"\d", "9", re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", text)))[:40]


def features(message: bytes) -> set[str]:
    parsed = email.message_from_bytes(message)
    found = set(of_part(parsed, 0))
    names = parsed.keys()
    found |= {f"order {a}>{b}" for a, b in itertools.pairwise(names)}
    for name in ("Date", "Message-ID", "MIME-Version"):
        found.add(f"{name} {shape(str(parsed.get(name, '')))}")
    for part in parsed.walk():
        if part.get_content_type() == "text/html" and not part.is_multipart():
            found |= of_html(content(part))
        elif part.get_content_type() == "text/plain" and not part.is_multipart():
            found |= of_text(content(part))
    return found


def of_html(octets: bytes) -> set[str]:
    tags = [each.decode() for each in re.findall(rb"<(/?[a-z0-9]+)", octets.lower())]
    return {f"tag {tag}" for tag in tags} | {f"tags {a} {b}" for a, b in itertools.pairwise(tags)}


def of_text(octets: bytes) -> set[str]:
    lines = octets.split(b"\r\n")
    habits = {
        "trailing blanks": any(line.endswith(b" ") and line != b"-- " for line in lines),
        "quotes without a blank": any(re.match(rb">[^ >]", line) for line in lines),
        "signature": b"-- " in lines,
        "tabs": b"\t" in octets,
        "blank lines": b"\r\n\r\n\r\n" in octets,
        f"lines of {max(map(len, lines)) // 20}": True,
    }
    return {name for name, found in habits.items() if found}


def of_part(part: Message, depth: int) -> Iterable[str]:
    for name in part:
        yield f"{depth > 0} name {name}"
    for field in ("Content-Type", "Content-Disposition"):
        for name, value in part.get_params(header=field, failobj=[])[1:]:
            told = shape(value) if name.lower() == "boundary" else ""
            yield f"{field} {name} {told}"
    yield f"encoding {part.get('Content-Transfer-Encoding')}"
    yield f"charset {part.get_param('charset')}"
    for child in children(part) if depth < 4 else ():
        yield from of_part(child, depth + 1)


FOLDS = 10


def accuracy(samples: list[tuple[str, set[str]]]) -> float:
    """Return the share that is guessed right by what was learned from the other nine tenths."""
    right = 0
    for fold in range(FOLDS):
        learned = [each for at, each in enumerate(samples) if at % FOLDS != fold]
        right += sum(guess(learned, found) == name for name, found in samples[fold::FOLDS])
    return right / len(samples)


def guess(learned: list[tuple[str, set[str]]], found: set[str]) -> str:
    sizes = Counter(name for name, _ in learned)
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for name, each in learned:
        seen[name].update(each)
    counts = Counter(each for _, found_there in learned for each in found_there)
    every = [each for each, count in counts.items() if count > 2]

    def score(name: str) -> float:
        likely = math.log(sizes[name] / len(learned))
        for each in every:
            share = (seen[name][each] + 0.1) / (sizes[name] + 0.2)
            likely += math.log(share if each in found else 1 - share)
        return likely

    return max(sizes, key=score)


def samples(*, are_untouched: bool) -> list[tuple[str, set[str]]]:
    families = {message.name: family(message.octets) for message in real_messages()}
    found = []
    for name, before, after in outcomes():
        known = families[name]
        if known is not None and after is not None:
            found.append((known, features(before if are_untouched else after)))
    return found


def test_untouched_mail_tells_its_program(figure: Figure) -> None:
    guessed = accuracy(samples(are_untouched=True))
    figure(f"style: the program is guessed right in {guessed:.1%} of untouched messages")
    assert guessed >= 0.6


def test_mail_made_anew_does_not(figure: Figure) -> None:
    made = samples(are_untouched=False)
    chance = max(Counter(name for name, _ in made).values()) / len(made)
    guessed = accuracy(made)
    figure(f"style: and in {guessed:.1%} of those made anew; chance is {chance:.1%}")
    assert guessed <= chance + 0.02
