# SPDX-License-Identifier: Apache-2.0
"""Letters on a disk: whole after a power cut at any octet, silent to whoever takes it."""

import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eepost.letters.changes import Change, Ended, Erased, Filed, Moved, Spooled
from eepost.letters.model import State
from eepost.letters.ports import DiskFull, InUse, LockDamaged, NoSuchMessage, WrongPassword
from eepost.local.cabinet import MAX_HELD_OCTETS, Cabinet
from eepost.local.cabinets import Cabinets
from eepost.local.files import MAX_RECORD_OCTETS, make_folder, read_record, write_file
from eepost.local.log import Log
from eepost.mail.violation import Misuse
from tests.letterbox.fakes import CHEAP
from tests.letters.samples import NOW, summary, waiting

PASSWORD = "correct horse 1"


def create(folder: Path) -> Cabinet:
    return Cabinet.create(folder, PASSWORD, os.urandom, CHEAP)


def reopen(folder: Path, password: str = PASSWORD) -> Cabinet:
    return Cabinet.open(folder, password, os.urandom, CHEAP)


def file(cabinet: Cabinet, number: int, octets: bytes = b"hello", subject: str = "") -> None:
    cabinet.write(number, [octets])
    cabinet.record([Filed(summary(number, subject=subject))])
    cabinet.shelf.apply(Filed(summary(number, subject=subject)))


@pytest.mark.parametrize("size", [0, 1, 1_024, 262_143, 262_144, 262_145, 700_000])
def test_a_letter_comes_back_as_it_was(tmp_path: Path, size: int) -> None:
    cabinet = create(tmp_path / "c")
    octets = os.urandom(size)
    cabinet.write(7, [octets[:100], memoryview(octets)[100:]])
    assert cabinet.read(7) == octets
    cabinet.remove([7, 8])
    with pytest.raises(NoSuchMessage):
        cabinet.read(7)
    cabinet.close()


def test_what_was_noted_is_there_at_the_next_opening(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    for number in (1, 2, 3):
        file(cabinet, number, b"letter %d" % number)
    cabinet.record([Moved((1,), "trash", NOW), Erased((2,))])
    cabinet.keep("keys", b"secret")
    cabinet.close()
    again = reopen(tmp_path / "c")
    assert {each.number: each.folder for each in again.shelf.messages.values()} == {
        1: "trash",
        3: "inbox",
    }
    assert again.read(3) == b"letter 3"
    assert again.kept("keys") == b"secret"
    assert again.kept("nothing") is None
    assert again.password == PASSWORD
    again.keep("keys", b"")
    assert again.kept("keys") is None
    with pytest.raises(NoSuchMessage):  # its record went first, so its file went at the opening
        again.read(2)
    again.close()


def test_only_the_password_opens_it(tmp_path: Path) -> None:
    create(tmp_path / "c").close()
    with pytest.raises(WrongPassword):
        reopen(tmp_path / "c", "another one")
    cabinet = reopen(tmp_path / "c")
    with pytest.raises(WrongPassword):
        cabinet.check_password("another one")
    cabinet.change_password("another one")
    cabinet.check_password("another one")
    cabinet.close()
    with pytest.raises(WrongPassword):
        reopen(tmp_path / "c")
    again = reopen(tmp_path / "c", "another one")
    assert again.password == "another one"
    assert repr(again) == "Cabinet()"
    again.close()


def test_who_still_has_a_closed_cabinet_changes_nothing_of_the_next(tmp_path: Path) -> None:
    stale = create(tmp_path / "c")
    file(stale, 1)
    stale.close()
    cabinet = reopen(tmp_path / "c")
    file(cabinet, 2, b"new")
    acts: list[Callable[[], object]] = [
        lambda: stale.store(2, [b"old"], [Filed(summary(2))]),
        lambda: stale.store(2, [b"old"], [Filed(summary(2)), Spooled(waiting(2))]),
        lambda: stale.write(2, [b"old"]),
        lambda: stale.remove([2]),
        lambda: stale.record([Erased((2,))]),
        lambda: stale.keep("a", b"b"),
        lambda: stale.change_password("another one"),
        lambda: stale.read(1),
    ]
    for act in acts:
        with pytest.raises(Misuse):
            act()
    assert cabinet.read(2) == b"new"
    cabinet.close()
    reopen(tmp_path / "c").close()


def test_only_one_letterbox_opens_it_at_a_time(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    with pytest.raises(InUse):
        reopen(tmp_path / "c")
    cabinet.close()
    reopen(tmp_path / "c").close()


def test_a_damaged_lock_is_told_from_a_wrong_password(tmp_path: Path) -> None:
    create(tmp_path / "c").close()
    (tmp_path / "c" / "lock").write_bytes(b"nonsense")
    with pytest.raises(LockDamaged):
        reopen(tmp_path / "c")
    (tmp_path / "c" / "lock").unlink()
    with pytest.raises(LockDamaged):
        reopen(tmp_path / "c")


def test_a_power_cut_at_any_octet_of_a_record_costs_that_record_only(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1)
    file(cabinet, 2)
    log = tmp_path / "c" / "log"
    whole = log.stat().st_size
    file(cabinet, 3)
    cabinet.close()
    octets = log.read_bytes()
    for at in (*range(whole, whole + 8), *range(whole + 8, len(octets), 97), len(octets) - 1):
        shutil.copytree(tmp_path / "c", tmp_path / "cut")
        (tmp_path / "cut" / "log").write_bytes(octets[:at])
        cut = reopen(tmp_path / "cut")
        assert sorted(cut.shelf.messages) == [1, 2]
        file(cut, 3)  # and it goes on
        cut.close()
        again = reopen(tmp_path / "cut")
        assert sorted(again.shelf.messages) == [1, 2, 3]
        again.close()
        shutil.rmtree(tmp_path / "cut")


def test_what_was_changed_on_the_disk_is_not_believed(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1, b"one")
    file(cabinet, 2, b"two")
    one, two = (tmp_path / "c" / "letters" / f"0{each}" / str(each) for each in (1, 2))
    octets = bytearray(one.read_bytes())
    two.write_bytes(octets)  # another's place
    with pytest.raises(NoSuchMessage):
        cabinet.read(2)
    octets[-1] ^= 1
    one.write_bytes(octets)
    with pytest.raises(NoSuchMessage):
        cabinet.read(1)
    one.write_bytes(b"\x01")
    with pytest.raises(NoSuchMessage):
        cabinet.read(1)
    (record,) = (each for each in (tmp_path / "c" / "records").iterdir())
    record.write_bytes(b"\x01" * 80)
    assert cabinet.kept("password") is None
    cabinet.close()
    # A log that was damaged in the middle is read up to there, the rest is kept aside, and letters
    # that nothing names any more come back.
    one.unlink()
    two.unlink()
    cabinet = reopen(tmp_path / "c")
    file(cabinet, 3, b"Subject: three\r\n\r\n")
    cabinet.close()
    log = tmp_path / "c" / "log"
    octets = bytearray(log.read_bytes())
    octets[len(octets) // 2 + 9] ^= 1
    log.write_bytes(octets)
    for _ in range(2):
        again = reopen(tmp_path / "c")
        assert list(again.shelf.messages) == [1, 3]
        assert again.shelf.messages[3].subject == "three"
        assert again.shelf.next_number == 4
        again.close()
    assert (tmp_path / "c" / "log.torn").stat().st_size > 500


@contextmanager
def _no_room(octets: int) -> Iterator[None]:
    """Let no file grow beyond some octets."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_letters_can_be_read_without_room_whatever_would_have_to_be_put_in_order(
    tmp_path: Path,
) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1, b"one")
    for _ in range(1_100):
        cabinet.record([Moved((1,), "trash", NOW)])
    cabinet.close()
    log = tmp_path / "c" / "log"
    whole = log.stat().st_size
    log.write_bytes(log.read_bytes() + bytes(5_000))
    with _no_room(100):
        full = reopen(tmp_path / "c")
        assert full.read(1) == b"one"
        with pytest.raises(DiskFull):
            full.record([Moved((1,), "inbox", NOW)])
        full.close()
    again = reopen(tmp_path / "c")
    assert again.shelf.messages[1].folder == "trash"
    assert log.stat().st_size < whole / 100
    again.close()


def test_a_password_changed_without_room_leaves_letters_that_open(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    with _no_room(110), pytest.raises(DiskFull):
        cabinet.change_password("another one")
    cabinet.close()
    again = reopen(tmp_path / "c")
    assert again.password == "another one"
    again.close()


def test_an_opening_that_fails_keeps_nobody_out(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1)
    cabinet.close()
    log = tmp_path / "c" / "log"
    log.rename(tmp_path / "log")
    log.mkdir()
    with pytest.raises(IsADirectoryError):
        reopen(tmp_path / "c")
    log.rmdir()
    (tmp_path / "log").rename(log)
    again = reopen(tmp_path / "c")
    assert list(again.shelf.messages) == [1]
    again.close()


def test_a_new_lock_is_never_put_before_letters_that_are_there(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1)
    cabinet.close()
    (tmp_path / "c" / "lock").unlink()
    with pytest.raises(LockDamaged):
        create(tmp_path / "c")
    assert (tmp_path / "c" / "letters" / "01" / "1").exists()


def test_a_long_log_is_written_anew_and_says_the_same(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1)
    for _ in range(1_100):
        cabinet.record([Moved((1,), "trash", NOW), Moved((1,), "inbox", NOW)])
    before = (tmp_path / "c" / "log").stat().st_size
    cabinet.close()
    again = reopen(tmp_path / "c")
    assert (tmp_path / "c" / "log").stat().st_size < before / 100
    file(again, 2)
    again.close()
    last = reopen(tmp_path / "c")
    assert sorted(last.shelf.messages) == [1, 2]
    assert last.shelf.next_number == 3
    last.close()


def test_what_nothing_names_is_removed_at_the_opening(tmp_path: Path) -> None:
    cabinet = create(tmp_path / "c")
    file(cabinet, 1)
    cabinet.write(2, [b"never noted"])
    (tmp_path / "c" / "letters" / "01" / "3.new").write_bytes(b"torn")
    cabinet.close()
    reopen(tmp_path / "c").close()
    found = [each.name for each in (tmp_path / "c" / "letters").glob("*/*")]
    assert found == ["1"]


def spool(cabinet: Cabinet, number: int, octets: bytes) -> None:
    changes: list[Change] = [Filed(summary(number, "outbox")), Spooled(waiting(number))]
    cabinet.store(number, [octets], changes)
    for each in changes:
        cabinet.shelf.apply(each)


def in_files(folder: Path) -> list[str]:
    return sorted(each.name for each in (folder / "letters").glob("*/*"))


def test_a_letter_that_leaves_is_flushed_once_and_is_there_after_a_power_cut(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "c"
    cabinet = create(folder)
    spool(cabinet, 1, b"small")
    spool(cabinet, 2, bytes(MAX_HELD_OCTETS))  # too large for that
    cabinet.store(3, [b"stays"], [Filed(summary(3))])
    assert in_files(folder) == ["2", "3"]
    cabinet.close()
    again = reopen(folder)
    assert (again.read(1), len(again.read(2)), again.read(3)) == (b"small", 4_194_304, b"stays")
    again.record([Ended(waiting(1, state=State.SENT))])
    again.remove([1])
    with pytest.raises(NoSuchMessage):
        again.read(1)
    again.close()
    last = reopen(folder)
    with pytest.raises(NoSuchMessage):
        last.read(1)
    assert sorted(last.shelf.messages) == [2, 3]
    last.close()


def test_letters_that_left_are_cleared_out_of_the_log(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    cabinet = create(folder)
    for number in range(1, 8):
        spool(cabinet, number, os.urandom(1_000_000))
        if number != 7:
            cabinet.record([Ended(waiting(number, state=State.SENT))])
            cabinet.remove([number])
    kept = cabinet.read(7)
    cabinet.close()
    assert (folder / "log").stat().st_size > 7_000_000
    reopen(folder).close()
    assert (folder / "log").stat().st_size < 1_100_000
    again = reopen(folder)
    assert again.read(7) == kept
    assert in_files(folder) == []
    again.close()


def test_a_letter_without_room_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cabinet = create(tmp_path / "c")

    def full(*_: object) -> None:
        raise DiskFull

    with monkeypatch.context() as context:
        context.setattr(Log, "append", full)
        with pytest.raises(DiskFull):
            spool(cabinet, 1, b"small")
        with pytest.raises(DiskFull):
            cabinet.store(2, [b"stays"], [Filed(summary(2))])
    for number in (1, 2):
        with pytest.raises(NoSuchMessage):
            cabinet.read(number)
    assert in_files(tmp_path / "c") == []
    cabinet.close()


WORDS = ("Attack at dawn", "alice", "mail.i2p", PASSWORD, "Grocery list")


def planted(folder: Path) -> list[str]:
    """Return what a finder of the disk can read of WORDS, in names and in files."""
    seen = b"\n".join(
        str(each.relative_to(folder)).encode() + (each.read_bytes() if each.is_file() else b"")
        for each in folder.rglob("*")
    )
    return [word for word in WORDS if word.encode() in seen or word.encode("utf-16-le") in seen]


def test_a_seized_disk_is_silent(tmp_path: Path) -> None:
    cabinets = Cabinets({"me": tmp_path / "me"}, os.urandom, CHEAP)
    cabinet = cabinets.create("me", "alice@mail.i2p", PASSWORD)
    file(cabinet, 1, b"Subject: Grocery list\r\n\r\nAttack at dawn\r\n", "Grocery list")
    cabinet.keep("draft", b"Attack at dawn")
    cabinet.close()
    assert planted(tmp_path) == []
    (tmp_path / "me" / "note-of-alice").write_text(" ".join(WORDS))  # the search would find it
    assert planted(tmp_path) == list(WORDS)


def test_nobody_else_on_the_machine_reads_the_files(tmp_path: Path) -> None:
    cabinets = Cabinets({"me": tmp_path / "me"}, os.urandom, CHEAP)
    cabinet = cabinets.create("me", "alice", PASSWORD)
    file(cabinet, 1)
    cabinet.close()
    for each in (tmp_path / "me").rglob("*"):
        mode = stat.S_IMODE(each.stat().st_mode)
        assert mode & 0o077 == 0, (each.name, oct(mode))


def test_accounts_and_identities_have_cabinets_of_their_own(tmp_path: Path) -> None:
    cabinets = Cabinets({"a": tmp_path / "a", "b": tmp_path / "b"}, os.urandom, CHEAP)
    one = cabinets.create("a", "alice", PASSWORD)
    assert cabinets.has("a", "alice")
    assert not cabinets.has("a", "bob")
    assert not cabinets.has("b", "alice")
    other = cabinets.create("b", "alice", PASSWORD)
    file(one, 1)
    assert not other.shelf.messages
    one.close()
    again = cabinets.open("a", "alice", PASSWORD)
    assert list(again.shelf.messages) == [1]
    again.close()
    other.close()
    with pytest.raises(KeyError):
        cabinets.has("c", "alice")


_FILL = """
import os, resource, sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from tests.local.test_cabinet import create, file, reopen, DiskFull
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path({folder!r})
cabinet = create(folder)
file(cabinet, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, resource.RLIM_INFINITY))
refused = 0
for number in range(2, 40):
    try:
        file(cabinet, number, b"x" * 100)
    except DiskFull:
        refused += 1
try:
    cabinet.write(99, [b"x" * 20_000])
except DiskFull:
    refused += 100
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
kept = sorted(cabinet.shelf.messages)
file(cabinet, 50)
cabinet.close()
again = reopen(folder)
assert sorted(again.shelf.messages) == [*kept, 50], again.shelf.messages
assert all(again.read(number) for number in again.shelf.messages)
print(len(kept), refused)
"""


def test_without_room_nothing_is_promised_and_nothing_is_lost(tmp_path: Path) -> None:
    program = _FILL.format(root=os.getcwd(), folder=str(tmp_path / "c"))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kept, refused = map(int, done.stdout.split())
    assert kept >= 2
    assert refused == 38 - (kept - 1) + 100


def test_small_files_are_bounded_and_faults_are_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    assert read_record(tmp_path / "none") is None
    (tmp_path / "large").write_bytes(bytes(MAX_RECORD_OCTETS + 1))
    with pytest.raises(ValueError, match="too large"):
        read_record(tmp_path / "large")
    make_folder(tmp_path / "a" / "b")
    with pytest.raises(OSError, match="directory") as fault:
        write_file(tmp_path / "missing" / "file", [b"x"])
    assert not isinstance(fault.value, DiskFull)
