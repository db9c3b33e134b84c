"""Tables of what each kind of value may look like."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.config import values
from tests.unit.config.samples import changed, load, problems


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("180", 180.0),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("100ms", 0.1),
        ("2s", 2.0),
        ("2 s", 2.0),
        ("1.5S", 1.5),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("24h", 86400.0),
        ("1d", 86400.0),
        (" 3 ", 3.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(0, 1e6)(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-1",
        "+1",
        "1e3",
        "inf",
        "nan",
        "1 min",
        "1h30m",
        ".5",
        "1,5",
        "0x10",
        "\u0661",
        "9" * 99,
    ],
)
def test_no_durations(text: str) -> None:
    with pytest.raises(values.Wrong, match="must be a duration"):
        values.duration(0, 1e6)(text)


def test_bounds_are_part_of_the_range() -> None:
    between = values.duration(0.1, 86400)
    assert (between("0.1"), between("24h")) == (0.1, 86400.0)
    for text in ("99ms", "86401"):
        with pytest.raises(values.Wrong, match=r"from 0\.1 to 86400 seconds"):
            between(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://mcs.mail.ru/public-dns",
        "https://mcs.mail.ru/public-dns/",
        "https://mcs.mail.ru/public-dns/v2",
        "https://mcs.mail.ru/public-dns/v2/",
        "https://mcs.mail.ru/public-dns/v2/dns",
        "https://mcs.mail.ru/public-dns/v2/dns/",
        "HTTPS://mcs.mail.ru//public-dns//v2/dns//",
    ],
)
def test_url_endings(url: str) -> None:
    assert load(changed(f"url: {url}")).api.url == "https://mcs.mail.ru/public-dns/v2/dns/"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://infra.mail.ru:3535", "https://infra.mail.ru:3535/v3/"),
        ("https://infra.mail.ru:3535/v3", "https://infra.mail.ru:3535/v3/"),
        ("https://infra.mail.ru:3535/v3/auth/tokens/", "https://infra.mail.ru:3535/v3/"),
        ("https://cloud.example/identity", "https://cloud.example/identity/v3/"),
        ("https://[2001:db8::1]:5000/v3/", "https://[2001:db8::1]:5000/v3/"),
    ],
)
def test_auth_url_endings(url: str, expected: str) -> None:
    assert load(changed(f'auth_url: "{url}"')).api.auth_url == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https:///v3",
        "//infra.mail.ru/",
        "https://infra mail.ru/",
        "https://infra.mail.ru:port/",
        "https://infra.mail.ru:0/",
        "https://[::1/",
        "https://инфра.рф/",
        "file:///etc/passwd",
    ],
)
def test_no_urls(url: str) -> None:
    expected = "line 3: config.auth_url: must be a URL with scheme and host, such as "
    assert problems(changed(f'auth_url: "{url}"')) == [expected + "`https://mcs.mail.ru/`"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0:9853", ("0.0.0.0", 9853)),
        (":9853", ("0.0.0.0", 9853)),
        ("9853", ("0.0.0.0", 9853)),
        ("[::]:9853", ("::", 9853)),
        ("[2001:DB8:0::1]:80", ("2001:db8::1", 80)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("localhost:65535", ("127.0.0.1", 65535)),
    ],
)
def test_listen(text: str, expected: tuple[str, int]) -> None:
    assert load(changed(f'listen: "{text}"')).listen == expected


@pytest.mark.parametrize(
    "text", ["0", ":65536", "0.0.0.0", "1.2.3:80", "[::1%lo]:80", "[1.2.3.4]x:80", "::1:80", "a:80"]
)
def test_no_listen(text: str) -> None:
    assert (
        "config.listen: must be an address and a port" in problems(changed(f'listen: "{text}"'))[0]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("777e19938fe947666d5d3be5c00053d7", "777e19938fe947666d5d3be5c00053d7"),
        ("777e1993-8fe9-4766-6d5d-3be5c00053d7", "777e19938fe947666d5d3be5c00053d7"),
        ("rehearsal-project", "rehearsal-project"),
    ],
)
def test_project_id(text: str, expected: str) -> None:
    assert load(changed(f"project_id: {text}")).api.project_id == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('"@"', ("example.com",)),
        ("example.com", ("example.com",)),
        ("WWW", ("www.example.com",)),
        ("www.example.com.", ("www.example.com",)),
        ("a.b", ("a.b.example.com",)),
        ('"*"', ("*.example.com",)),
        ('"*.app"', ("*.app.example.com",)),
        ("_x", ("_x.example.com",)),
        ('[www, "@"]', ("www.example.com", "example.com")),
    ],
)
def test_record_names(record: str, expected: tuple[str, ...]) -> None:
    assert load(changed(f"record: {record}")).pools[0].records == expected


@pytest.mark.parametrize(
    "record", ["-a", "a-", "a..b", "a b", "a/b", '"a.*"', '"**"', '"*a"', "x" * 64, ".", "вася"]
)
def test_no_record_names(record: str) -> None:
    assert problems(changed(f"record: {record}"))[0].startswith("line 14: config.record: must be ")


def test_a_name_may_not_be_too_long() -> None:
    name = ".".join(["a" * 60] * 4)
    assert problems(changed(f"record: {name}")) == [
        "line 14: config.record: must be a name in the zone example.com"
    ]


def test_the_zone_is_canonical() -> None:
    assert load(changed("zone: Example.COM.")).pools[0].zone == "example.com"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[192.0.2.1]", ("192.0.2.1:53",)),
        ('["192.0.2.1:5353", " 192.0.2.1 "]', ("192.0.2.1:5353", "192.0.2.1:53")),
        ('["2001:DB8::1", "[2001:db8::1]:5353"]', ("[2001:db8::1]:53", "[2001:db8::1]:5353")),
        ('["[2001:db8:0::2]"]', ("[2001:db8::2]:53",)),
        ("off", ()),
    ],
)
def test_resolvers(text: str, expected: tuple[str, ...]) -> None:
    (pool,) = load(changed(f"resolvers: {text}")).pools
    assert pool.resolvers is not None
    assert tuple(map(str, pool.resolvers)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("dns://192.0.2.53", "dns://192.0.2.53:53"),
        ("dns://NS1.example.com:5353/", "dns://ns1.example.com:5353"),
        ("dns://[2001:db8::53]", "dns://[2001:db8::53]:53"),
    ],
)
def test_a_name_server_for_updates(url: str, expected: str) -> None:
    text = changed(f"url: {url}", "driver: rfc2136", "password: c2VjcmV0", "auth_url", "project_id")
    assert load(text).api.url == expected


@pytest.mark.parametrize("url", ["192.0.2.53", "dns://", "dns://a:0", "dns://a:x", "dns://u@a"])
def test_no_name_server_for_updates(url: str) -> None:
    text = changed(f"url: {url}", "driver: rfc2136", "password: c2VjcmV0", "auth_url", "project_id")
    assert [problem.partition(" such as")[0] for problem in problems(text)] == [
        "line 2: config.url: must be the primary name server,"
    ]


def test_what_a_driver_has_no_use_for_is_noted() -> None:
    text = changed("url: dns://192.0.2.53", "driver: rfc2136", "password: c2VjcmV0")
    notes = [note.partition(": is of no use")[0] for note in load(text).notes]
    assert notes == ["line 3: config.auth_url", "line 6: config.project_id"]


@pytest.mark.parametrize(("ttl", "fine"), [(59, False), (60, True)])
def test_how_short_a_ttl_may_be_is_the_drivers_matter(ttl: int, fine: bool) -> None:
    assert (not problems(changed(f"ttl: {ttl}"))) is fine
    other = changed(f"ttl: {ttl}", "driver: designate", "url: https://dns.example.com:9001/")
    assert problems(other) == []
    in_a_pool = changed(f"pools: [{{name: www, record: www, ttl: {ttl}}}]")
    assert (not problems(in_a_pool)) is fine
