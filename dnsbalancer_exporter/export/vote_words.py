"""What people are told of votes, in words, from the status document: the page and the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dnsbalancer_exporter.export.sentences import names

Document = Mapping[str, Any]

UNSETTLED = {
    "watching": "they have been watched for less than a lease",
    "unread": "they cannot be read",
}
"""Why votes withdraw nobody."""

STANDINGS = {
    "own": "this daemon",
    "votes": "votes",
    "presumed": "has no vote, so holds nobody down",
    "stale": "is not counted: its vote is old",
}
"""As what an observer is counted."""


def of_quorum(quorum: Document) -> str:
    """How many observers are counted, and what that takes; and why nothing is withdrawn by it."""
    count, majority = quorum["electorate"], quorum["majority"]
    counted = "1 observer is" if count == 1 else f"{count} observers are"
    text = f"{counted} counted, {majority} of them decide"
    if quorum["unsettled"]:
        text += f"; nothing is withdrawn by votes: {UNSETTLED[quorum['unsettled']]}"
    return text


def of_votes(target: Document) -> str:
    """What the votes say of a target, and who holds it down; nothing if nobody does."""
    said = target["votes"] or {}
    parts = []
    if said.get("down"):
        who = names(said["observers"])
        parts.append(f"{said['down']} of {said['electorate']} observers hold it down: {who}")
    if said.get("drained_by"):
        parts.append(f"drained by {names(said['drained_by'])}")
    return "; ".join(parts)


def of_voter(voter: Document) -> list[str]:
    """What an observer says, in parts; nothing if it has nothing to say."""
    said = [f"down: {names(voter['down'])}"] if voter["down"] else []
    said += [f"drained: {names(voter['drained'])}"] if voter["drained"] else []
    said += [f"{voter['cut']} more had no room"] if voter["cut"] else []
    return said + (
        [f"in the minority on {names(voter['disagrees'])}"] if voter["disagrees"] else []
    )
