"""What each driver needs of the keys of the login, and how its URL is written: one row each."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from dnsbalancer_exporter.config import urls
from dnsbalancer_exporter.config.sections import Key
from dnsbalancer_exporter.config.top_keys import (
    AUTH_URL,
    CA_FILE,
    LOGIN,
    PROJECT_ID,
    TSIG_ALGORITHM,
    USER_DOMAIN,
)
from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.model import Secret


class Terms(NamedTuple):
    """``url`` reads the key `url`, ``secret`` looks at the password; both raise Wrong.

    ``needs`` must be given beside `url`; ``ignores`` are of no use to the driver. ``least_ttl`` is
    in seconds.
    """

    url: Callable[[str], str]
    needs: tuple[Key[object], ...]
    ignores: tuple[Key[object], ...]
    secret: Callable[[Secret], None] = lambda _: None
    least_ttl: int = 1


def _base64(secret: Secret) -> None:
    try:
        base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("must be the key's secret in base64, as in the name server's file") from None


_KEYSTONE = (AUTH_URL, LOGIN, PROJECT_ID)
PUBLISHED = Terms(
    urls.endpoint("/v2/dns/", ("/v2/dns", "/v2")), _KEYSTONE, (TSIG_ALGORITHM,), least_ttl=60
)
TERMS: Mapping[str, Terms] = MappingProxyType(
    {
        "vkcloudns": PUBLISHED,
        "designate": Terms(urls.endpoint("/v2/", ("/v2",)), _KEYSTONE, (TSIG_ALGORITHM,)),
        "powerdns": Terms(
            urls.powerdns, (), (AUTH_URL, LOGIN, PROJECT_ID, USER_DOMAIN, TSIG_ALGORITHM)
        ),
        "rfc2136": Terms(
            urls.name_server, (LOGIN,), (AUTH_URL, PROJECT_ID, USER_DOMAIN, CA_FILE), _base64
        ),
    }
)
"""By the canonical name of `driver`."""


def terms_of(driver: str | None) -> Terms:
    """The row of a driver; of one that is not known, or not given, the published one's."""
    return TERMS.get(driver or "", PUBLISHED)
