"""The published file, and how these tests change it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from dnsbalancer_exporter.config import Config, parse
from dnsbalancer_exporter.errors import ConfigError

PASSWORD = "123456example"

CONTRACT = f"""config:
    url: "https://mcs.mail.ru/public-dns/"
    auth_url: "https://infra.mail.ru:3535/v3/"
    login: "example@test"
    password: "{PASSWORD}"
    project_id: "777e19938fe947666d5d3be5c00053d7"
    zone: "example.com"
    own_ip: "213.213.213.213"
    is_self_maintenance: true
    driver: "vkcloudns"
    protocol: "tcp"
    port: 80
    timeout: 180
"""


def changed(*lines: str, text: str = CONTRACT) -> str:
    """The file with each ``key: value`` in place of that key's line, or at the end.

    A key alone (``own_ip`` without colon) takes its line out; further lines are indented below.
    """
    for given in lines:
        key, colon, _ = given.partition(":")
        new = "".join(f"    {line}\n" for line in given.split("\n")) if colon else ""
        text, found = re.subn(rf"(?m)^    {key}:.*\n", new.replace("\\", r"\\"), text)
        text = text if found else text + new
    return text


def no_file(path: str) -> bytes:
    raise FileNotFoundError(path)


def load(
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    read: Callable[[str], bytes] = no_file,
) -> Config:
    data = text.encode() if isinstance(text, str) else text
    return parse(data, "config.yaml", environ or {}, read)


def problems(
    text: str | bytes,
    environ: Mapping[str, str] | None = None,
    read: Callable[[str], bytes] = no_file,
) -> list[str]:
    """What is wrong with the file, as it is shown; empty if it loads."""
    try:
        load(text, environ, read)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []
