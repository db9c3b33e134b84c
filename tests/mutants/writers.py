"""Bugs in what keeps several writers apart: the lock, reading back, and contests (law 9)."""

from __future__ import annotations

from tests.mutants.mutant import (
    CYCLE,
    LOCK,
    NETWORK,
    RESTRAINT,
    ROSTER,
    SCENARIO,
    SEARCH,
    ZONELOCK,
    Mutant,
)

WRITERS = (
    Mutant(
        "publishing waits for the lock, too",
        "cycle.py",
        "            await self._publish(group, urgent=urgent)\n",
        "            if group and await self.lock.take(group[0].pool):\n"
        "                await self._publish(group, urgent=urgent)\n",
        SCENARIO + "three_starting_at_once_on_an_empty_name",
    ),
    Mutant(
        "what is drained needs no lock",
        "cycle.py",
        "            if await self.lock.take(pool):\n",
        "            for d in [d for each in passes for d in each.current.deletes]:\n"
        "                if d.ground is Ground.DRAINED:\n"
        "                    await self.provider.delete_record(pool.zone, d.record)\n"
        "            if await self.lock.take(pool):\n",
        SCENARIO + "draining_two_members_at_once",
    ),
    Mutant(
        "a delete is sent by whoever has ever had the lock",
        "cycle.py",
        "            if not self.lock.valid(each.pool):\n                break\n",
        "",
        SEARCH + "a_lock_that_is_broken_while_its_holder_stands_still",
    ),
    Mutant(
        "a lock that somebody else has is as good as ours",
        "lock.py",
        "    if placed and set(ids) == {state.id}:\n",
        "    if not placed or set(ids) == {state.id}:\n",
        SEARCH + "two_writers_that_try_twice",
    ),
    Mutant(
        "the lease counts from the 201",
        "zonelock.py",
        "state = lock.created(state, made.id)",
        "state = lock.created(lock.want(state, self._clock()), made.id)",
        ZONELOCK + "the_time_that_a_create_took_is_time_of_the_lease",
    ),
    Mutant(
        "a create of the lock without an answer is held for ours",
        "zonelock.py",
        "= lock.failed(state)\n            self._pause",
        "= LockState(Phase.HELD, state.since)\n            self._pause",
        ZONELOCK + "a_create_whose_answer_was_lost_is_not_mine",
    ),
    Mutant(
        "no list of the locks after the 201",
        "zonelock.py",
        "            ids = await self._list(zone)\n",
        "            ids = [state.id] if state.id else await self._list(zone)\n",
        ZONELOCK + "another_lock_beside_mine_means_that_values_are_not_unique_and_is_no_lock",
    ),
    Mutant(
        "two locks side by side are both held",
        "lock.py",
        "    if placed and set(ids) == {state.id}:\n",
        "    if placed and state.id in ids:\n",
        LOCK + "a_lock_that_is_not_alone_is_not_held",
    ),
    Mutant(
        "the plan is from before the lock",
        "cycle.py",
        "            await self._look_anew(passes)\n"
        "            await self._publish(passes, urgent=urgent)\n",
        "",
        CYCLE + "the_read_that_a_delete_rests_on_is_made_under_the_lock",
    ),
    Mutant(
        "the read under the lock is an old one",
        "cycle.py",
        "            await self._look_anew(passes)\n            await self._publish",
        "            for each in passes:\n"
        "                await self._look(each)\n"
        "            await self._publish",
        SEARCH + "two_writers_that_try_twice",
    ),
    Mutant(
        "the lock's age is not looked at before each delete",
        "cycle.py",
        "            if not self.lock.valid(each.pool):\n",
        "            if not self.lock.valid(each.pool) and not each.changes:\n",
        CYCLE + "a_delete_is_not_sent_once_the_lock_is_too_old",
    ),
    Mutant(
        "no margin for a delete that is under way",
        "lock.py",
        "now - state.since < terms.lease - terms.margin",
        "now - state.since < terms.lease",
        LOCK + "a_held_lock_is_valid_from_before_its_create_was_sent",
    ),
    Mutant(
        "`lock: off` without a margin",
        "lock.py",
        "return age < self._terms.lease - self._terms.margin",
        "return age < self._terms.lease",
        LOCK + "a_delete_may_be_sent_for_the_lease_less_the_margin",
    ),
    Mutant(
        "a write without an answer is taken for refused",
        "provider/wire.py",
        "if lost and self.write:",
        "if False:",
        NETWORK + "a_write_without_an_answer_is_in_doubt_and_not_repeated",
    ),
    Mutant(
        "a delete whose answer was lost is settled",
        "cycle.py",
        "error, settled = str(lost), False",
        "error, settled = str(lost), True",
        CYCLE + "an_unsettled_delete_ends_the_withdrawal_and_closes_the_way_for_the_lease",
    ),
    Mutant(
        "a list that still shows the record settles its delete",
        "cycle.py",
        "return all(delete.record.id not in ids for delete in deletes)",
        "return True",
        CYCLE + "an_unsettled_delete_ends_the_withdrawal_and_closes_the_way_for_the_lease",
    ),
    Mutant(
        "planned again after an unanswered delete",
        "cycle.py",
        "            if not settled:\n                return False\n",
        "",
        CYCLE + "an_unsettled_delete_ends_the_withdrawal_and_closes_the_way_for_the_lease",
    ),
    Mutant(
        "not read back",
        "cycle.py",
        "if settled and deleted:",
        "if False:",
        SCENARIO + "a_writer_whose_own_address_is_missing_after_reading_back_puts_it_there",
    ),
    Mutant(
        "the gap is not refilled",
        "cycle.py",
        "                await self._publish(deleted, urgent=urgent)\n",
        "",
        SCENARIO + "a_writer_whose_own_address_is_missing_after_reading_back_puts_it_there",
    ),
    Mutant(
        "released although it could not be read back",
        "cycle.py",
        "                settled = False\n                await self._look_anew(deleted)\n",
        "                await self._look_anew(deleted)\n",
        CYCLE + "a_withdrawal_that_cannot_be_read_back_closes_the_way",
    ),
    Mutant(
        "the lock is never released",
        "zonelock.py",
        "        if settled:\n",
        "        if False:\n",
        ZONELOCK + "one_writer_has_it_and_the_other_waits_until_it_is_released",
    ),
    Mutant(
        "the lock is released although something is unsettled",
        "zonelock.py",
        "        if settled:\n",
        "        if True:\n",
        ZONELOCK + "an_unsettled_withdrawal_leaves_the_lock_to_its_lease",
    ),
    Mutant(
        "the lock is released by its name",
        "zonelock.py",
        "            await self._records.delete_record(zone, record)\n",
        "            for lock_id in await self._list(zone):\n"
        "                await self._records.delete_record(zone, _record(zone, lock_id))\n",
        ZONELOCK + "a_release_that_comes_late_does_not_release_the_next_holders_lock",
    ),
    Mutant(
        "a release that failed is not made up for",
        "zonelock.py",
        'f"the lock could not be released: {error}")\n',
        'f"the lock could not be released: {error}")\n            del self._unreleased[zone]\n',
        ZONELOCK + "a_release_that_failed_is_made_up_for_before_the_next_attempt",
    ),
    Mutant(
        "somebody's lock is broken too early",
        "lock.py",
        "if now - first >= terms.lease]",
        "if now - first >= terms.lease - terms.margin]",
        LOCK + "a_lock_is_broken_that_was_seen_for_a_whole_lease",
    ),
    Mutant(
        "a lock was first seen when its list was sent",
        "zonelock.py",
        """            ids = await self._list(zone)
        except ProviderError:
            self._give_up(zone, state)
            await self._clear(zone)
            raise
        self._states[zone] = after = lock.listed(state, ids, self._clock(), self._terms)
""",
        """            asked = self._clock()
            ids = await self._list(zone)
        except ProviderError:
            self._give_up(zone, state)
            await self._clear(zone)
            raise
        self._states[zone] = after = lock.listed(state, ids, asked, self._terms)
""",
        ZONELOCK + "a_lock_is_seen_when_it_is_answered_and_not_when_it_is_asked_for",
    ),
    Mutant(
        "it counts how long a lock is there, whichever it is",
        "lock.py",
        "state.sightings.get(i, now)",
        "min(state.sightings.values(), default=now)",
        LOCK + "a_lock_under_another_id_is_another_lock",
    ),
    Mutant(
        "a lock that a restarted process finds was there for ever",
        "lock.py",
        "state.sightings.get(i, now)",
        "state.sightings.get(i, 0.0)",
        ZONELOCK + "a_restarted_writer_counts_anew",
    ),
    Mutant(
        "whoever breaks a lock has it",
        "zonelock.py",
        "if left_over and await self._break(zone):\n            await self._compete(zone)\n",
        "if left_over and await self._break(zone):\n"
        "            self._states[zone] = LockState(Phase.HELD, self._clock())\n",
        ZONELOCK + "whoever_breaks_a_lock_competes_for_the_next_one_like_all_others",
    ),
    Mutant(
        "an exchange without its precondition",
        "cycle.py",
        "seen = [r for r in self.outlook.records(pool) if (r.name, r.type) == key]",
        "self.outlook.lists.unread(pool, [key[1]])\n"
        "            listed, _ = await self.outlook.lists.listed(pool, key[1])\n"
        "            seen = [r for r in listed if (r.name, r.type) == key]",
        SEARCH + "two_writers_that_compare_and_swap",
    ),
    Mutant(
        "nothing is ever contested",
        "plan.py",
        "(Hold.CONTESTED, situation.now < situation.contested.get(value, 0.0)),",
        "(Hold.CONTESTED, False),",
        SCENARIO + "a_steady_disagreement_is_bounded_and_then_a_peer_really_dies",
    ),
    Mutant(
        "contested without a probe that found us right",
        "restraint.py",
        "if returned_at is not None and confirmed_at is not None and confirmed_at > returned_at:",
        "if came_back and not up:",
        RESTRAINT + "a_return_counts_only_when_a_later_probe_finds_us_right",
    ),
    Mutant(
        "contested is forgotten at a blink",
        "restraint.py",
        "if agreed_since is not None and now - agreed_since >= contest_delay(after.returns):",
        "if agreed_since is not None:",
        RESTRAINT + "one_step_is_forgotten_by_agreement_as_long_as_the_hold",
    ),
    Mutant(
        "contests do not grow",
        "restraint.py",
        "CONTESTED_FIRST * 2.0 ** max(0, min(returns - 1, 20))",
        "CONTESTED_FIRST",
        SCENARIO + "a_steady_disagreement_is_bounded_and_then_a_peer_really_dies",
    ),
    Mutant(
        "a record that was always there is taken for one that came back",
        "roster.py",
        "back = unwanted.keys() & {r.value for r in new if r.id not in known}",
        "back = unwanted.keys() & {r.value for r in new}",
        ROSTER + "a_target_was_put_back_against_us",
    ),
)
