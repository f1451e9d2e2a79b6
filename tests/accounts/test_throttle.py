# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eepost.accounts.throttle import (
    FREE_ATTEMPTS,
    HALF_LIFE_SECONDS,
    MAX_DELAY_SECONDS,
    MAX_WAITING,
    Attempt,
    Throttle,
)

KEY = bytes(range(32))
PEER, OTHER_PEER = b"peer", b"other peer"


def enter(
    throttle: Throttle,
    name: str = "alice",
    peer: bytes | None = None,
    now: float = 0.0,
    password: str = "guess",
) -> Attempt:
    attempt = throttle.enter(name, password, peer, now)
    assert attempt is not None
    return attempt


def succeed(throttle: Throttle, name: str = "alice", peer: bytes | None = None) -> None:
    throttle.accepted(enter(throttle, name, peer, password=f"{name}'s own"))


def fail(
    throttle: Throttle,
    name: str = "alice",
    peer: bytes | None = None,
    times: int = 1,
    now: float = 0.0,
) -> None:
    for _ in range(times):
        throttle.refused(enter(throttle, name, peer, now))


def delay(
    throttle: Throttle, name: str = "alice", peer: bytes | None = None, now: float = 0.0
) -> float:
    attempt = enter(throttle, name, peer, now)
    throttle.abandoned(attempt)
    return attempt.delay_seconds


def test_typing_errors_cost_nothing() -> None:
    throttle = Throttle(KEY)
    fail(throttle, times=FREE_ATTEMPTS - 1)
    assert delay(throttle) == 0
    fail(throttle)
    assert delay(throttle) == 0.5


def test_the_delay_grows_to_a_bound() -> None:
    throttle = Throttle(KEY)
    fail(throttle, times=FREE_ATTEMPTS)
    delays = []
    for _ in range(50):
        delays.append(delay(throttle))
        fail(throttle)
    assert delays[:5] == [0.5, 1, 2, 4, 8]
    assert delays[4:] == [MAX_DELAY_SECONDS] * 46


def test_the_delay_fades_however_many_attempts_there_were() -> None:
    throttle = Throttle(KEY)
    fail(throttle, times=1000)
    assert delay(throttle) == MAX_DELAY_SECONDS
    delays = [delay(throttle, now=HALF_LIFE_SECONDS * steps) for steps in (1, 2, 3)]
    assert MAX_DELAY_SECONDS > delays[0] > delays[1] >= delays[2] == 0


def test_the_delay_fades_the_same_however_often_it_is_asked_for() -> None:
    asked, left_alone = Throttle(KEY), Throttle(KEY)
    for throttle in (asked, left_alone):
        fail(throttle, times=9)
    for second in range(1, 60):
        delay(asked, now=second)
    assert delay(asked, now=60.0) == pytest.approx(delay(left_alone, now=60.0))


def test_a_clock_that_stands_still_or_goes_back_is_no_fault() -> None:
    throttle = Throttle(KEY)
    fail(throttle, times=FREE_ATTEMPTS, now=100.0)
    assert delay(throttle, now=99.0) == 0.5


def test_one_account_under_attack_slows_no_other() -> None:
    throttle = Throttle(KEY)
    fail(throttle, "alice", times=50)
    assert delay(throttle, "bob") == 0


def test_one_peer_that_tries_many_accounts_is_slowed_and_no_other_peer() -> None:
    throttle = Throttle(KEY)
    for at in range(10):
        fail(throttle, f"user{at}", PEER)
    assert delay(throttle, "alice", PEER) == MAX_DELAY_SECONDS
    assert delay(throttle, "alice", OTHER_PEER) == 0


def test_unknown_peers_share_no_bucket() -> None:
    throttle = Throttle(KEY)
    for at in range(50):
        fail(throttle, f"user{at}", None)
    assert delay(throttle, "alice", None) == 0


def test_an_account_is_slowed_for_all_peers_that_it_was_not_used_from() -> None:
    throttle = Throttle(KEY)
    for at in range(50):
        fail(throttle, "alice", b"bot %d" % at)
    assert delay(throttle, "alice", PEER) == MAX_DELAY_SECONDS
    assert delay(throttle, "alice", None) == MAX_DELAY_SECONDS


def test_an_attack_does_not_slow_the_owner_where_he_logged_in_before() -> None:
    throttle = Throttle(KEY)
    succeed(throttle, "alice", PEER)
    fail(throttle, "alice", OTHER_PEER, times=50)
    assert delay(throttle, "alice", PEER) == 0
    assert delay(throttle, "bob", PEER) == 0


def test_a_peer_where_the_owner_logged_in_before_is_slowed_when_it_guesses() -> None:
    throttle = Throttle(KEY)
    succeed(throttle, "alice", PEER)
    fail(throttle, "alice", PEER, times=50)
    assert delay(throttle, "alice", PEER) == MAX_DELAY_SECONDS


def test_an_account_of_his_own_does_not_wash_an_attacker_clean() -> None:
    throttle = Throttle(KEY)
    for at in range(10):
        fail(throttle, f"user{at}", PEER)
    succeed(throttle, "mallory", PEER)
    assert delay(throttle, "alice", PEER) == MAX_DELAY_SECONDS


def test_attempts_without_an_answer_do_not_count() -> None:
    throttle = Throttle(KEY)
    for _ in range(50):
        throttle.abandoned(enter(throttle, "alice", PEER))
    assert delay(throttle, "alice", PEER) == 0


def test_many_at_once_are_let_in_while_none_was_wrong() -> None:
    throttle = Throttle(KEY)
    attempts = [enter(throttle, "alice", PEER) for _ in range(100)]
    assert {each.delay_seconds for each in attempts} == {0}


@pytest.mark.parametrize("settle", [Throttle.refused, Throttle.accepted, Throttle.abandoned])
def test_only_so_many_wait_at_once_and_each_that_leaves_makes_room(settle: object) -> None:
    assert callable(settle)
    throttle = Throttle(KEY)
    fail(throttle, "alice", times=50)
    waiting = [enter(throttle, "alice") for _ in range(MAX_WAITING)]
    assert throttle.enter("alice", "guess", None, 0.0) is None
    assert throttle.enter("bob", "guess", None, 0.0) is not None
    settle(throttle, waiting[0])
    # Another password than the one that may just have turned out right.
    assert throttle.enter("alice", "next", None, 0.0) is not None
    assert throttle.enter("alice", "next", None, 0.0) is None


def test_one_peer_can_not_fill_the_line_of_another() -> None:
    throttle = Throttle(KEY)
    fail(throttle, "mallory", PEER, times=50)
    for _ in range(MAX_WAITING):
        enter(throttle, "mallory", PEER)
    assert throttle.enter("alice", "guess", PEER, 0.0) is None
    assert throttle.enter("alice", "guess", OTHER_PEER, 0.0) is not None


def test_tables_are_bounded_and_lose_the_oldest_first() -> None:
    throttle = Throttle(KEY, max_buckets=4)
    first = enter(throttle, "alice", PEER)
    for at in range(10):
        fail(throttle, f"user{at}", times=5)
    throttle.refused(first)  # its buckets are gone: no fault
    assert len(throttle._buckets) == 4
    assert delay(throttle, "user9") > 0
    assert delay(throttle, "user1") == 0


def test_what_is_still_tried_is_not_the_oldest() -> None:
    throttle = Throttle(KEY, max_buckets=2)
    fail(throttle, "alice", times=20)
    fail(throttle, "bob")
    fail(throttle, "alice")
    fail(throttle, "carol")
    assert delay(throttle, "alice") == MAX_DELAY_SECONDS


def test_known_pairs_are_bounded_and_lose_the_oldest_first() -> None:
    throttle = Throttle(KEY, max_buckets=4)
    for at in range(6):
        succeed(throttle, f"user{at}", PEER)
    assert len(throttle._known) == 4
    fail(throttle, "user0", OTHER_PEER, times=20)
    assert delay(throttle, "user0", PEER) > 0
    fail(throttle, "user5", OTHER_PEER, times=20)
    assert delay(throttle, "user5", PEER) == 0


def test_a_pair_that_is_used_again_is_not_the_oldest() -> None:
    throttle = Throttle(KEY, max_buckets=2)
    for name in ("alice", "bob", "alice", "carol"):
        succeed(throttle, name, PEER)
    fail(throttle, "alice", OTHER_PEER, times=20)
    assert delay(throttle, "alice", PEER) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "ab", "\ud800", ""]),
            st.sampled_from([None, b"", b"a", b"b"]),
            st.sampled_from(["refused", "accepted", "abandoned", "waits"]),
            st.floats(0, 60),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_delay_is_bounded(
    steps: list[tuple[str, bytes | None, str, float]],
) -> None:
    throttle, now = Throttle(KEY, max_buckets=6), 0.0
    for name, peer, end, passed in steps:
        now += passed
        attempt = throttle.enter(name, "guess", peer, now)
        if attempt is None:
            continue
        assert 0 <= attempt.delay_seconds <= MAX_DELAY_SECONDS
        if end != "waits":
            getattr(throttle, end)(attempt)
        assert len(throttle._buckets) <= 6
        assert all(each.waiting >= 0 for each in throttle._buckets.values())


def test_no_name_and_no_peer_lies_in_memory() -> None:
    throttle = Throttle(KEY)
    succeed(throttle, "alice", PEER)
    fail(throttle, "alice", PEER)
    held = b"".join([*throttle._buckets, *throttle._known, *throttle._hints])
    assert b"alice" not in held
    assert PEER not in held
    assert "alice" not in repr(enter(throttle, "alice", PEER))


def test_name_and_peer_are_not_shifted_against_each_other() -> None:
    throttle = Throttle(KEY)
    assert enter(throttle, "alice", b"peer").pair != enter(throttle, "alicep", b"eer").pair


def test_tags_differ_by_process_key() -> None:
    tags = [enter(Throttle(key), "alice", PEER).tags for key in (KEY, KEY[::-1])]
    assert not set(tags[0]) & set(tags[1])


def test_owner_gets_in_through_a_flood_that_fills_every_place_to_wait() -> None:
    throttle = Throttle(KEY)
    succeed(throttle)
    fail(throttle, times=50)
    for _ in range(MAX_WAITING):
        enter(throttle)
    assert throttle.enter("alice", "guess", None, 0.0) is None
    owner = throttle.enter("alice", "alice's own", None, 0.0)
    assert owner is not None
    assert owner.delay_seconds == 0


def test_guesses_that_look_like_the_last_right_password_are_slowed_too() -> None:
    throttle = Throttle(KEY)
    succeed(throttle)
    for _ in range(50):
        throttle.refused(enter(throttle, password="alice's own"))
    assert enter(throttle, password="alice's own").delay_seconds == MAX_DELAY_SECONDS
    assert delay(throttle) == 0


def test_password_of_another_account_is_no_hint() -> None:
    throttle = Throttle(KEY)
    succeed(throttle, "bob")
    fail(throttle, times=50)
    assert enter(throttle, password="bob's own").delay_seconds == MAX_DELAY_SECONDS


def test_hints_are_bounded() -> None:
    throttle = Throttle(KEY, max_buckets=2)
    for name in ("alice", "bob", "carol"):
        succeed(throttle, name)
    fail(throttle, "carol", times=50)
    assert enter(throttle, "carol", password="carol's own").delay_seconds == 0
    assert len(throttle._hints) == 2
