"""What a server says about its refusal, made fit for a log line."""

from __future__ import annotations

import json

from dnsbalancer_exporter.model import Secret

LIMIT = 200
"""Characters of a server's text that are shown."""


def complaint(said: bytes | str, secrets: tuple[Secret, ...]) -> str:
    """The text in an error body, or ``said`` itself: no control characters, no secret, short.

    A body is opaque (the provider documents none): ``message`` or ``error.message`` of a JSON
    object is shown, and nothing of any other body.
    """
    text = _message(said) if isinstance(said, bytes) else said
    for secret in secrets:
        if secret.reveal():  # a server may repeat what it was sent
            text = text.replace(secret.reveal(), repr(secret))
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    return text if len(text) <= LIMIT else text[: LIMIT - 3] + "..."


def _message(body: bytes) -> str:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for holder in (content, content.get("error") if isinstance(content, dict) else None):
        if isinstance(holder, dict) and isinstance(holder.get("message"), str):
            return str(holder["message"])
    return ""
