"""A mutant: a bug that somebody might well write one day, and the test that fails by it."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """``bug`` in words; in ``file`` of the package the text ``old``, which occurs exactly once, is
    ``new`` instead; ``test`` is the node id below tests/ of the test that fails by it.
    """

    bug: str
    file: str
    old: str
    new: str
    test: str


BALLOT = "unit/test_ballot.py::test_"
CALM = "unit/test_calm.py::test_"
CYCLE = "unit/test_cycle.py::test_"
DESK = "unit/test_desk.py::test_"
GUARD = "unit/test_guard.py::test_"
HEALTH = "unit/test_health.py::test_"
HTTP = "unit/test_probe_http.py::test_"
HTTPS = "unit/test_probe_https.py::test_"
HTTP_CONFIG = "unit/config/test_http.py::test_"
LOCK = "unit/test_lock.py::test_"
FILES = "unit/test_inventory.py::test_"
INVENTORY = "unit/config/test_inventory.py::test_"
MANY = "unit/test_many_pools.py::test_"
NETWORK = "contract/test_network.py::test_"
PACE = "unit/test_pace.py::test_"
PLAN = "unit/test_plan.py::test_"
QUORUM = "unit/test_quorum.py::test_"
RESTRAINT = "unit/test_restraint.py::test_"
ROSTER = "unit/test_roster.py::test_"
STATE = "unit/test_state.py::test_"
VOTE = "unit/test_vote.py::test_"
VOTES = "simulation/test_quorum.py::test_"
WATCH = "unit/test_watch.py::test_"
ZONELOCK = "unit/test_zonelock.py::test_"
SCENARIO = "simulation/test_scenarios.py::test_"
SEARCH = "simulation/test_interleavings.py::test_"
SETS = "contract/test_sets.py::test_"
SETS_WIRE = "contract/test_sets_wire.py::test_"
UPDATES = "contract/test_rfc2136.py::test_"
