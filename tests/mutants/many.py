"""Bugs in what many pools share, and in the files that their targets are taken from."""

from __future__ import annotations

from tests.mutants.mutant import (
    CALM,
    CYCLE,
    FILES,
    INVENTORY,
    MANY,
    PACE,
    ROSTER,
    WATCH,
    Mutant,
)

MANY_POOLS = (
    Mutant(
        "law 1: the floor is kept under the first name only",
        "plan.py",
        "or _floor(situation, left, floor, value)\n",
        "or (None if key.name > min(situation.pool.records) else"
        " _floor(situation, left, floor, value))\n",
        MANY + "the_floor_holds_for_each_name",
    ),
    Mutant(
        "law 6: who has left one of two names is forgotten, being under the other",
        "roster.py",
        "if e not in now_in_zone and now < t}",
        "if e.address not in {n.address for n in now_in_zone} and now < t}",
        ROSTER + "who_has_left_one_of_two_names_is_remembered_for_that_one",
    ),
    Mutant(
        "law 6: who has left one of the names is put under all of them",
        "plan.py",
        "return Entry(name, address) in situation.remembered and",
        "return address in {e.address for e in situation.remembered} and",
        MANY + "one_that_left_some_of_the_names_is_put_back_there_and_nowhere_else",
    ),
    Mutant(
        "every pool reads its zone by itself",
        "lists.py",
        "if answer is None or answer.number <=",
        "if answer is None or answer.number <= 10**9 or answer.number <=",
        MANY + "a_quiet_cycle_of_300_pools_costs_one_list_per_zone_and_type",
    ),
    Mutant(
        "every pool asks a zone again that cannot be read",
        "lists.py",
        "            return Answer(number, began, (), {}, error)
",
        "            return Answer(-1, began, (), {}, error)
",
        CYCLE + "a_zone_that_cannot_be_read_is_asked_once_however_many_pools_it_has",
    ),
    Mutant(
        "a pool that has written is content with the list from before",
        "lists.py",
        "            self._too_old[pool.name, type_] = self._reads\n",
        "            pass\n",
        CYCLE + "the_read_that_a_delete_rests_on_is_made_under_the_lock",
    ),
    Mutant(
        "api_rate is ignored",
        "pace.py",
        "                if wait <= 0:\n",
        "                if True:\n",
        PACE + "a_burst_goes_at_once_and_then_so_many_in_a_second",
    ),
    Mutant(
        "whoever only returns goes first",
        "cycle.py",
        "        for turn in Rank:\n",
        "        for turn in reversed(Rank):\n",
        MANY + "the_dead_go_first_within_a_zone_and_across_zones",
    ),
    Mutant(
        "a dead target of another zone waits its turn",
        "pace.py",
        "if self._urgent and not urgent:",
        "if False:",
        PACE + "what_is_urgent_goes_first_whenever_it_comes",
    ),
    Mutant(
        "who only returns lets a death wait",
        "rounds.py",
        "        self._cycle.pace.hurry()\n",
        "",
        MANY + "a_death_elsewhere_ends_the_wait_of_those_who_only_return",
    ),
    Mutant(
        "a turn waits for as long as there is something to write",
        "pace.py",
        "if now + wait > self._until or",
        "if False or",
        PACE + "after_the_patience_of_a_turn_the_rest_is_left",
    ),
    Mutant(
        "a list less than half as long is taken",
        "inventory.py",
        "    if now * 2 >= then:\n",
        "    if now >= 0:\n",
        FILES + "half_is_enough_and_less_is_not",
    ),
    Mutant(
        "a file is read while it is being written",
        "inventory.py",
        "if seen == judged or seen != before:",
        "if seen == judged:",
        FILES + "a_file_that_changes_between_two_looks_is_not_read",
    ),
    Mutant(
        "a device is read like a file",
        "plain_file.py",
        "if not stat.S_ISREG(os.fstat(handle).st_mode):",
        "if False:",
        INVENTORY + "what_is_no_file_neither_hangs_nor_fills_us",
    ),
    Mutant(
        "a plan that withholds something is given again",
        "calm.py",
        "made.creates or made.deletes or made.withheld or",
        "made.creates or made.deletes or",
        CALM + "a_plan_that_acts_or_waits_is_made_anew",
    ),
    Mutant(
        "a plan is given again while a drain runs out",
        "calm.py",
        "passing = memory.drains or",
        "passing =",
        CALM + "nor_is_one_of_a_memory_that_time_changes",
    ),
    Mutant(
        "a plan is given again although somebody has died",
        "calm.py",
        "return made if kept == basis else None",
        "return made if kept and kept._replace(held_for=basis.held_for) == basis else None",
        CALM + "whatever_changes_ends_it",
    ),
    Mutant(
        "a confirmation waits for the beat of the others",
        "watch.py",
        "hurry=delay < LEISURE)",
        "hurry=False)",
        WATCH + "those_in_no_hurry_begin_together_and_a_confirmation_does_not_wait_for_them",
    ),
)
