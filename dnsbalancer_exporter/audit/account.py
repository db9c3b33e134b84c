"""The account: does the login work, is the zone there, may it be written, is our clock right?"""

from __future__ import annotations

import time

from dnsbalancer_exporter import lock
from dnsbalancer_exporter.audit.scene import BUDGET, Findings, Scene, note, ok, problem
from dnsbalancer_exporter.errors import AnswerLost, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Mode, Record
from dnsbalancer_exporter.names import RecordType, fqdn
from dnsbalancer_exporter.provider import Login

LABEL = "_dnsbalancer-check"
CONTENT = "dnsbalancer check --online --write-test"
TTL = 60

CLOCK_SECONDS = 30.0
"""How far our clock may be from the cloud's, the request's own time included."""

SHORT_LIFE = 600.0
"""Seconds: tokens that live shorter cost a login every few minutes."""


async def login(scene: Scene) -> Findings:
    """The login, its life time and its clock; one attempt."""
    where = scene.config.api.auth_url or scene.config.api.url
    asked = time.time()
    try:
        made = await scene.provider.log_in(BUDGET)
    except ProviderError as error:
        scene.login_works = False
        return [problem(where, str(error))]
    scene.login_works = True
    if made is None:
        return [ok(where, "this driver has no login to look at")]
    text = f"the token is valid for {made.life:.0f} s"
    if made.life >= SHORT_LIFE:
        return [ok(where, text), *_clock(made, asked)]
    advice = "ask the provider for tokens that live for an hour"
    return [note(where, text, advice), *_clock(made, asked)]


def _clock(made: Login, asked: float) -> Findings:
    off = asked - made.issued_at
    if abs(off) <= CLOCK_SECONDS:
        return [ok("clock", "agrees with the cloud's")]
    text = f"is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the cloud's"
    advice = "logs and metrics will have wrong times (nothing else depends on it): look at NTP"
    return [note("clock", text, advice)]


async def zone(scene: Scene) -> Findings:
    """Each zone is in the project, and its records can be listed."""
    scene.need_login()
    found = []
    for name in scene.zones:
        try:
            for type_ in scene.types(name):
                listed = await scene.provider.list_records(name, type_, BUDGET)
                scene.lists[name, type_] = listed
        except ProviderError as error:
            found.append(problem(name, str(error)))
            continue
        counts = (f"{len(scene.lists[name, t])} {t.value} records" for t in scene.types(name))
        found.append(ok(name, f"is in the project and can be listed: {', '.join(counts)}"))
    return found


async def rights(scene: Scene) -> Findings:
    """Records may be created and deleted: tried with the flag, else told by the roles."""
    scene.need_login()
    if scene.write:
        return [finding for name in scene.zones for finding in await _write(scene, name)]
    if all(pool.mode is Mode.OBSERVE for pool in scene.config.pools):
        return [ok("roles", "nothing is ever written: mode is observe")]
    made = await scene.provider.log_in(BUDGET)
    roles = made.roles if made else ()
    text = f"the login has {', '.join(roles) or 'no role that is told'}"
    if roles and all("viewer" in role.lower() for role in roles):
        advice = "give it network administrator, project administrator or owner"
        return [problem("roles", f"{text}, which may only read", advice)]
    advice = f"--write-test creates and deletes a TXT record {LABEL} to know"
    return [note("roles", f"{text}; whether it may write is not known without writing", advice)]


async def _write(scene: Scene, zone: str) -> Findings:
    """Create one TXT record and delete it; it is looked for if an answer was lost."""
    where = fqdn(LABEL, zone)
    create = Create(where, RecordType.TXT, CONTENT, TTL)
    try:
        made = await _created(scene, zone, create)
    except ProviderError as error:
        return [problem(where, str(error))]
    try:
        await scene.provider.delete_record(zone, made)
    except ProviderError as error:
        return [problem(where, str(error), "the record is left over: delete it by hand")]
    return [ok(where, f"a record was created and deleted, so may {lock.LABEL} and addresses be")]


async def _created(scene: Scene, zone: str, create: Create) -> Record:
    """The new record; one that is there already, or whose answer was lost, is looked for."""
    try:
        return await scene.provider.create_record(zone, create)
    except (AnswerLost, Conflict):
        listed = await scene.provider.list_records(zone, RecordType.TXT, BUDGET)
        for record in listed:
            if (record.name, record.value) == (create.name, create.value):
                return record
        raise
