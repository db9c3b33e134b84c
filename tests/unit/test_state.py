"""What is kept between two runs: the file in any condition, and the document in it."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter import restraint, state
from dnsbalancer_exporter.model import (
    LONGEST_DRAIN,
    Contest,
    Drain,
    Entry,
    Kept,
    Pool,
    ProbeSpec,
    Protocol,
    Restraint,
    Target,
)
from dnsbalancer_exporter.state import Claim, Unusable

A, B, V6 = "192.0.2.1", "192.0.2.2", "2001:db8::1"
NOW, EPOCH = 10_000.0, 1_700_000_000.0
SPEC = ProbeSpec(Protocol.TCP, A, 80, 2.0)
POOL = Pool(
    "p",
    "example.com",
    ("example.com", "www.example.com"),
    member=True,
    own=(Target(A, A, SPEC),),
    probe=SPEC,
)
KEPT = Kept(
    drains={A: Drain(NOW - 60.0, NOW + 3540.0, forced=True)},
    remembered={Entry("www.example.com", B): NOW + 5000.0},
    contests={V6: Contest(2, NOW + 900.0, None, NOW - 1.0)},
    restraints={B: Restraint((NOW - 9.0, NOW - 3.0), 2, NOW + 8.0)},
    proven=frozenset({"tcp 192.0.2.1 80"}),
)


def document(kept: Kept = KEPT, pool: Pool = POOL) -> Any:
    """What the file holds, as a later process gets it."""
    return json.loads(json.dumps(state.to_document([(pool, kept)], EPOCH)))


def again(written: Any, pool: Pool = POOL, now: float = NOW, epoch: float = EPOCH) -> Kept | None:
    """What a later process finds of ``pool``."""
    return state.of_document(written, [pool], epoch, now).get(pool.name)


# --- there and back -----------------------------------------------------------------------

addresses = st.sampled_from((A, B, V6, "198.51.100.7", "2001:db8::a:1"))
past = st.integers(0, 10**5).map(lambda n: NOW - n)


def soon(longest: float) -> st.SearchStrategy[float]:
    return st.integers(1, int(longest)).map(lambda n: NOW + n)


@st.composite
def drains(draw: st.DrawFn) -> Drain:
    since = NOW - draw(st.integers(0, int(LONGEST_DRAIN) - 1))
    until = draw(st.integers(int(NOW) + 1, int(since + LONGEST_DRAIN)))
    return Drain(since, float(until), draw(st.booleans()))


contests = st.builds(
    Contest,
    st.integers(0, 10**6 - 1),
    soon(restraint.CONTESTED_CAP) | past,
    st.none() | past,
    st.none() | past,
)
restraints = st.builds(
    Restraint,
    st.lists(past, max_size=4).map(tuple),
    st.integers(0, 99),
    soon(restraint.HOLD_DOWN_CAP) | past,
)
kept_things = st.builds(
    Kept,
    drains=st.dictionaries(addresses, drains()),
    remembered=st.dictionaries(
        st.builds(Entry, st.sampled_from(POOL.records), addresses), soon(POOL.remember)
    ),
    contests=st.dictionaries(addresses, contests),
    restraints=st.dictionaries(addresses, restraints),
    proven=st.frozensets(st.text(max_size=9)),
)


def moved(kept: Kept, by: float) -> Kept:
    """The same moments on a clock that shows ``by`` seconds more."""

    def perhaps(at: float | None) -> float | None:
        return None if at is None else at + by

    return Kept(
        {a: replace(d, since=d.since + by, until=d.until + by) for a, d in kept.drains.items()},
        {e: until + by for e, until in kept.remembered.items()},
        {
            a: Contest(c.returns, c.until + by, perhaps(c.agreed_since), perhaps(c.returned_at))
            for a, c in kept.contests.items()
        },
        {
            a: Restraint(tuple(at + by for at in r.events), r.step, r.until + by)
            for a, r in kept.restraints.items()
        },
        kept.proven,
    )


@given(kept_things, st.integers(-(10**4), 10**6).map(float))
def test_what_is_kept_is_found_again_by_a_process_with_another_clock(
    kept: Kept, later: float
) -> None:
    found = again(document(kept), now=NOW + later, epoch=EPOCH - later)
    assert found == moved(kept, later)


@given(kept_things, st.floats(-1e9, 1e9), st.floats(1.0, 1e8))
def test_nothing_lasts_longer_than_its_rule_allows_whatever_the_clocks_did(
    kept: Kept, now: float, remember: float
) -> None:
    found = again(document(kept), replace(POOL, remember=remember), now, EPOCH)
    assert found is not None
    for address, drain in found.drains.items():
        before = kept.drains[address]
        assert drain.since <= now < drain.until
        assert drain.until - now <= before.until - before.since + 0.2
    for entry, until in found.remembered.items():
        assert now < until
        assert until <= now + remember + (LONGEST_DRAIN if entry.address in kept.drains else 0.0)
    for contest in found.contests.values():
        assert contest.until <= now + restraint.CONTESTED_CAP
        assert all(at is None or at <= now for at in (contest.agreed_since, contest.returned_at))
    for held in found.restraints.values():
        assert held.until <= now + restraint.HOLD_DOWN_CAP
        assert all(at <= now for at in held.events)


def test_a_file_survives_being_written_and_read(tmp_path: Path) -> None:
    state.write(str(tmp_path), document())
    found, warning = state.load(str(tmp_path), [POOL], EPOCH, NOW)
    assert (found, warning) == ({"p": KEPT}, "")
    assert [path.name for path in tmp_path.iterdir()] == [state.NAME]


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    state.write(str(tmp_path), document())
    assert (tmp_path / state.NAME).stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_news(tmp_path: Path) -> None:
    assert state.load(str(tmp_path / "not there"), [POOL], EPOCH, NOW) == ({}, "")


# --- whose it is --------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"zone": "example.org"}, {"name": "q"}])
def test_what_is_kept_of_another_pool_is_not_ours(changes: dict[str, str]) -> None:
    assert again(document(), replace(POOL, **changes)) is None  # type: ignore[arg-type]


def test_under_other_names_an_operators_word_stays_and_what_was_learned_goes() -> None:
    """A name is added to the pool while one of its machines is in maintenance."""
    longer = replace(POOL, records=(*POOL.records, "mail.example.com"))
    assert again(document(), longer) == replace(KEPT, remembered={}, contests={})


def test_the_order_of_the_names_means_nothing() -> None:
    assert again(document(), replace(POOL, records=POOL.records[::-1])) == KEPT


def test_each_pool_finds_its_own() -> None:
    other, nothing = replace(POOL, name="q"), Kept()
    written = state.to_document([(POOL, KEPT), (other, nothing)], EPOCH)
    assert state.of_document(written, [other, POOL], EPOCH, NOW) == {"p": KEPT, "q": nothing}


# --- what is over, and what is too long -----------------------------------------------------


def test_what_is_over_is_dropped() -> None:
    later = 100_000.0
    found = again(document(), now=NOW + later)
    assert found is not None
    assert (found.drains, found.remembered) == ({}, {})


def test_a_wall_clock_that_was_set_back_makes_no_drain_longer() -> None:
    found = again(document(), epoch=EPOCH, now=NOW - 1e6)
    assert found is not None
    assert found.drains == {A: Drain(NOW - 1e6, NOW - 1e6 + 3600.0, forced=True)}


def test_a_drain_of_a_century_is_one_of_a_month() -> None:
    written = document()
    written["pools"]["p"]["drains"][A]["until"] = 5e9
    found = again(written)
    assert found is not None
    assert found.drains[A].until == NOW + LONGEST_DRAIN


def test_a_file_that_tells_no_names_means_all_of_the_pools() -> None:
    """As every file of a pool with one name does, and those of older versions."""
    written = document()
    written["pools"]["p"]["remembered"] = {B: NOW + EPOCH + 5000.0}
    found = again(written)
    assert found is not None
    assert found.remembered == {Entry(name, B): NOW + 5000.0 for name in POOL.records}


def test_a_pool_with_one_name_is_kept_as_older_versions_read_it() -> None:
    one = replace(POOL, records=("example.com",))
    written = document(Kept(remembered={Entry("example.com", B): NOW + 5000.0}), one)
    assert written["pools"]["p"]["remembered"] == {B: NOW + EPOCH + 5000.0}


def test_one_that_is_drained_for_long_is_remembered_for_longer() -> None:
    until = NOW + 10 * 86400.0
    kept = Kept(
        drains={B: Drain(NOW, until)}, remembered={Entry("example.com", B): until + POOL.remember}
    )
    assert again(document(kept)) == kept


# --- files that cannot be used ------------------------------------------------------------


def broken(**entry: Any) -> bytes:
    written = document()
    written["pools"]["p"] |= entry
    return json.dumps(written).encode()


def text_of(change: Callable[[Any], None]) -> bytes:
    written = document()
    change(written)
    return json.dumps(written).encode()


DAMAGED = {
    "empty": b"",
    "half": json.dumps(document()).encode()[:100],
    "zeros": bytes(4096),
    "no UTF-8": b"\xff\xfe{}",
    "too deep": b"[" * 100_000,
    "a list": b"[]",
    "no version": b"{}",
    "a newer version": text_of(lambda d: d.update(version=2)),
    "pools is a list": text_of(lambda d: d.update(pools=[])),
    "a pool is a text": text_of(lambda d: d["pools"].update(p="x")),
    "no records": broken(records=None),
    "drains is a list": broken(drains=[]),
    "a drain is a number": broken(drains={A: 1}),
    "a drain without an end": broken(drains={A: {"since": 1.0}}),
    "an end that is a text": broken(drains={A: {"since": 1, "until": "2", "forced": False}}),
    "an end that is true": broken(drains={A: {"since": 1, "until": True}}),
    "an end that is no number": broken(drains={A: {"since": 1, "until": math.nan}}),
    "an endless drain": broken(drains={A: {"since": 1, "until": math.inf}}),
    "an end of 400 digits": broken(drains={A: {"since": 1, "until": 10**400}}),
    "force that is a number": broken(drains={A: {"since": 1, "until": 2, "forced": 1}}),
    "a name for an address": broken(drains={"vm-1": {"since": 1, "until": 2}}),
    "an address in another spelling": broken(remembered={"2001:DB8::1": 1}),
    "a negative count": broken(contests={A: {"returns": -1}}),
    "a count with a point": broken(contests={A: {"returns": 1.5}}),
    "a huge count": broken(contests={A: {"returns": 10**9}}),
    "events that are no list": broken(restraints={A: {"events": 5}}),
    "proven is a number": broken(proven=5),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_or_foreign_file_is_set_aside_with_a_warning(tmp_path: Path, data: bytes) -> None:
    (tmp_path / state.NAME).write_bytes(data)
    found, warning = state.load(str(tmp_path), [POOL], EPOCH, NOW)
    assert found == {}
    (left,) = tmp_path.iterdir()
    assert left.name == f"{state.NAME}.unusable-{int(EPOCH + NOW)}"
    assert left.read_bytes() == data
    assert str(tmp_path / state.NAME) in warning
    assert left.name in warning
    assert len(warning) < 500
    state.write(str(tmp_path), document())
    assert state.load(str(tmp_path), [POOL], EPOCH, NOW) == ({"p": KEPT}, "")


def large(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(state.LARGEST + 1)


STRANGE: dict[str, Callable[[Path], None]] = {
    "directory": Path.mkdir,
    "named pipe": os.mkfifo,
    "link to itself": lambda path: path.symlink_to(path),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "too large": large,
}


@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_whatever_is_in_its_place_is_set_aside_and_then_written(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / state.NAME)
    found, warning = state.load(str(tmp_path), [POOL], EPOCH, NOW)
    assert found == {}
    assert "set aside" in warning
    state.write(str(tmp_path), document())
    assert state.load(str(tmp_path), [POOL], EPOCH, NOW) == ({"p": KEPT}, "")


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / state.NAME).symlink_to(tmp_path / "gone")
    assert state.load(str(tmp_path), [POOL], EPOCH, NOW) == ({}, "")


def test_a_folder_that_is_a_file_ends_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.touch()
    found, warning = state.load(str(folder), [POOL], EPOCH, NOW)
    assert found == {}
    assert "nor could it be set aside" in warning
    with pytest.raises(OSError, match="File exists"):
        Claim().write(str(folder), document())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from((A, "since", "until", "vm")) | st.text(max_size=3), inner)
    ),
    max_leaves=8,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document."""
    for key in node if isinstance(node, dict) else range(len(node)) if type(node) is list else ():
        yield (*path, key)
        yield from places(node[key], (*path, key))


@settings(max_examples=300)
@given(st.sampled_from(sorted(places(document()), key=str)), json_values)
def test_any_value_in_any_place_is_taken_or_refused_but_never_a_crash(
    place: tuple[Any, ...], value: Any
) -> None:
    written = document()
    node = written
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    with contextlib.suppress(Unusable):
        found = again(written)
        assert found is None or isinstance(found, Kept)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_a_time_that_could_not_be_written_again_is_none(value: float) -> None:
    written = document()
    written["pools"]["p"]["drains"][A]["since"] = value
    with pytest.raises(Unusable, match="is no time"):
        again(written)


def test_fields_are_only_ever_added_so_one_that_is_missing_has_its_default() -> None:
    """A file of an earlier release: it knew neither `forced` nor `proven`."""
    written = document(replace(KEPT, contests={}))
    del written["pools"]["p"]["drains"][A]["forced"], written["pools"]["p"]["proven"]
    calm = Drain(NOW - 60.0, NOW + 3540.0)
    assert again(written) == replace(KEPT, contests={}, drains={A: calm}, proven=frozenset())


# --- writing ------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / state.NAME).mkdir()
    (tmp_path / state.NAME / "in the way").touch()
    with pytest.raises(OSError, match="directory"):
        state.write(str(tmp_path), document())
    assert [path.name for path in tmp_path.iterdir()] == [state.NAME]


def test_of_two_daemons_on_one_folder_only_the_first_writes(tmp_path: Path) -> None:
    folder, first, second = str(tmp_path), Claim(), Claim()
    first.write(folder, document())
    with pytest.raises(OSError, match="another daemon"):
        second.write(folder, document(Kept()))
    assert state.load(folder, [POOL], EPOCH, NOW) == ({"p": KEPT}, "")
    first.write(folder, document())
    first.release()
    second.write(folder, document(Kept()))
    assert state.load(folder, [POOL], EPOCH, NOW) == ({"p": Kept()}, "")
    second.release()


def test_a_folder_that_is_left_for_another_one_is_free(tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two" / "deep")
    mover, other = Claim(), Claim()
    mover.write(one, document())
    mover.write(two, document())
    other.write(one, document())
    with pytest.raises(OSError, match="another daemon"):
        other.write(two, document())
    mover.release()
    other.release()


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    folder, claim = tmp_path / "state", Claim()
    claim.write(str(folder), document())
    (folder / state.NAME).unlink()
    folder.rmdir()
    claim.write(str(folder), document())
    assert state.load(str(folder), [POOL], EPOCH, NOW)[0] == {"p": KEPT}
    claim.release()


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{state.TEMPORARY}abc").write_text("{")
    claim = Claim()
    claim.write(str(tmp_path), document())
    assert [path.name for path in tmp_path.iterdir()] == [state.NAME]
    claim.release()


def test_a_full_disk_is_an_error_and_no_half_file(tmp_path: Path) -> None:
    """A limit on the size of files fails as a full disk does: in the middle of a write."""
    state.write(str(tmp_path), document())
    program = (
        "import resource, sys\n"
        "from dnsbalancer_exporter import state\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n"
        "try:\n"
        "    state.write(sys.argv[1], {'version': 1, 'pools': {str(n): {} for n in range(99)}})\n"
        "except OSError as error:\n"
        "    sys.exit(error.errno)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ran.returncode == errno.EFBIG
    assert [path.name for path in tmp_path.iterdir()] == [state.NAME]
    assert state.load(str(tmp_path), [POOL], EPOCH, NOW) == ({"p": KEPT}, "")
