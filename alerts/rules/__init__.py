"""Every alert, one entry each: what it watches, for how long, whom it tells, in which words.

Two files are made of it (generate.py): one alert per daemon, and one per fleet. Three habits:

* `last_over_time(x[3m])` instead of `x`: one missed scrape would make the series vanish, and `for`
  would begin anew. A daemon that is gone for longer is Unreachable, and silent otherwise.
* The daemon debounces already (`rise`, `fall`), so that most `for` are short or absent.
* Counters begin at 0 with the process, and may have moved before the first scrape: where that
  would hide a fault, a gauge is asked as well.

A fleet is all daemons of one `job`. Its alerts have no `instance`: what everybody measures (health,
what is published) is taken by majority or by the best view, what is a daemon's own trouble is
counted.
"""

from __future__ import annotations

from alerts.rules.alive import ALIVE
from alerts.rules.targets import TARGETS
from alerts.rules.upkeep import API, UPKEEP
from alerts.rules.votes import VOTES
from alerts.rules.zone import ZONE

GROUPS = (ALIVE, ZONE, TARGETS, VOTES, API, UPKEEP)
