"""When each alert fires and when it is silent: promtool's tests of both files are made of this.

A case is a few series, a sample every 30 seconds, and all that fires at a moment. Series are those
of instance `a` of job `dnsbalancer` and of pool `web`, where nothing else is said; every instance
is scraped well, unless the case has `up`.
"""

from __future__ import annotations

from alerts.cases.alive import ALIVE
from alerts.cases.targets import TARGETS
from alerts.cases.upkeep import API, UPKEEP
from alerts.cases.votes import VOTES
from alerts.cases.zone import ZONE

CASES = (*ALIVE, *ZONE, *TARGETS, *VOTES, *API, *UPKEEP)
