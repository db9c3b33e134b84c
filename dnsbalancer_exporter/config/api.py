"""The login: where the password is found, and the URLs that it is sent to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dnsbalancer_exporter.config import urls, values
from dnsbalancer_exporter.config.drivers import Terms, terms_of
from dnsbalancer_exporter.config.files import Read, check_authorities, why_unread
from dnsbalancer_exporter.config.sections import Section
from dnsbalancer_exporter.config.top_keys import (
    AUTH_URL,
    CA_FILE,
    DRIVER,
    LOGIN,
    PASSWORD,
    PASSWORD_FILE,
    PROJECT_ID,
    TSIG_ALGORITHM,
    URL,
    USER_DOMAIN,
)
from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.model import Secret

_NOWHERE = (
    "is missing: give `password`, `password_file`, `$DNSBALANCER_PASSWORD` or the systemd "
    "credential `password`"
)


@dataclass(frozen=True, slots=True)
class Api:
    """How the DNS API is reached; what a driver does not need is empty.

    ``url`` is as the driver wants it (drivers.py), ``auth_url`` ends in ``/v3/``.
    """

    driver: str
    url: str
    auth_url: str
    login: str
    password: Secret
    project_id: str
    user_domain: str
    ca_file: str | None
    tsig_algorithm: str


def find_api(section: Section, environ: Mapping[str, str], read: Read) -> Api | None:
    """The login; None if something is wrong with it, which is then noted."""
    terms = terms_of(section.find(DRIVER))
    section.require(DRIVER, URL, *terms.needs)
    url = _url(section, terms)
    password = _password(section, terms, environ, read)
    path = section.find(CA_FILE)
    if path is not None:
        check_authorities(section, CA_FILE, path, read)
    for key, used in ((URL, url), (AUTH_URL, section.find(AUTH_URL) or "")):
        if urls.is_clear_text(used):
            section.note(key, "is plain http: the login travels in the clear; use https")
    for unused in terms.ignores:
        if section.gives(unused):
            section.note(unused, f"is of no use to the driver {section.find(DRIVER)}: remove it")
    if section.place.ledger.problems or password is None:
        return None
    return Api(
        driver=section.need(DRIVER),
        url=url,
        auth_url=section.find(AUTH_URL) or "",
        login=section.find(LOGIN) or "",
        password=password,
        project_id=section.find(PROJECT_ID) or "",
        user_domain=section.need(USER_DOMAIN),
        ca_file=section.find(CA_FILE),
        tsig_algorithm=section.need(TSIG_ALGORITHM),
    )


def _url(section: Section, terms: Terms) -> str:
    """The URL as the driver wants it; empty if it is wrong, which is then noted."""
    try:
        return terms.url(section.find(URL) or "") if section.find(URL) else ""
    except Wrong as wrong:
        section.problem(URL, str(wrong))
        return ""


def _password(
    section: Section, terms: Terms, environ: Mapping[str, str], read: Read
) -> Secret | None:
    """The password that was found, if the driver can use it; else a problem is noted."""
    password = _found(section, environ, read)
    try:
        if password is not None:
            terms.secret(password)
    except Wrong as wrong:
        section.problem(PASSWORD_FILE if section.gives(PASSWORD_FILE) else PASSWORD, str(wrong))
    return password


def _found(section: Section, environ: Mapping[str, str], read: Read) -> Secret | None:
    """The first source that is there decides; a bad one is a problem, not a reason to go on."""
    if section.gives(PASSWORD) and section.gives(PASSWORD_FILE):
        section.problem(PASSWORD_FILE, "stands beside `password`: keep one of them")
        return None
    if section.gives(PASSWORD):
        return section.find(PASSWORD)
    key = PASSWORD_FILE if section.gives(PASSWORD_FILE) else PASSWORD
    path = section.find(PASSWORD_FILE)
    if key is PASSWORD_FILE and path is None:
        return None
    try:
        return Secret(_from_file(path, "", read) if path else _from_environ(environ, read))
    except Wrong as wrong:
        section.problem(key, str(wrong))
        return None


def _from_environ(environ: Mapping[str, str], read: Read) -> str:
    """The password from the environment, or from systemd's credentials; raises Wrong."""
    if "DNSBALANCER_PASSWORD" in environ:
        try:
            return values.secret(environ["DNSBALANCER_PASSWORD"])
        except Wrong as wrong:
            raise Wrong(f"`$DNSBALANCER_PASSWORD` {wrong}") from None
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Wrong(_NOWHERE)
    return _from_file(f"{folder}/password", "the systemd credential `password` ", read)


def _from_file(path: str, called: str, read: Read) -> str:
    """The password that a file holds; raises Wrong, whose text begins with ``called``."""
    try:
        return values.secret(read(path).decode("utf-8"))
    except FileNotFoundError as error:
        # A unit may have credentials without ours being one of them.
        sentence = _NOWHERE if called else why_unread(error)
        called = "" if sentence is _NOWHERE else called
    except OSError as error:
        sentence = why_unread(error)
    except UnicodeDecodeError:
        sentence = "must be one line of UTF-8 text"
    except Wrong as wrong:
        sentence = str(wrong)
    raise Wrong(called + sentence)
