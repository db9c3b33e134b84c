"""Targets from a file: what it may look like, what is said of a bad one, and what it costs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dnsbalancer_exporter import startup
from dnsbalancer_exporter.config import Config, parse
from dnsbalancer_exporter.config.yaml_text import MAX_BYTES
from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.model import ProbeSpec, Protocol, Target
from tests.unit.config.samples import changed, no_file

A, B = "213.213.213.1", "213.213.213.2"
WITNESS = ("own_ip", "is_self_maintenance: false")


def reading(files: dict[str, str | bytes]) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        try:
            data = files[path]
        except KeyError:
            raise FileNotFoundError(2, "x") from None
        return data.encode() if isinstance(data, str) else data

    return read


def load(content: str | bytes, *lines: str, name: str = "inv.json") -> Config:
    """A witness with a file of targets beside its configuration."""
    text = changed(*WITNESS, f"targets_file: {name}", *lines)
    path = name if name.startswith("/") else f"/etc/x/{name}"
    return parse(text.encode(), "/etc/x/config.yaml", {}, no_file, reading({path: content}))


def problems(content: str | bytes, *lines: str, name: str = "inv.json") -> list[str]:
    try:
        load(content, *lines, name=name)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def addresses(config: Config) -> list[str]:
    return [target.address for target in config.pools[0].listed]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("inv.json", f'["{A}", {{"address": "{B}", "name": "two", "probe": {{"port": 81}}}}]'),
        ("inv.yaml", f"- {A}\n- address: {B}\n  name: two\n  probe: {{port: 81}}\n"),
        ("inv.yml", f"[{A}, {{address: {B}, name: two, probe: {{port: '81'}}}}]"),
        ("inv", f'\n [ "{A}", {{"address": "{B}", "name": "two", "probe": {{"port": "81"}}}} ]'),
        ("/srv/inv", f"- {A}\n- {{address: {B}, name: two, probe: {{port: 81}}}}"),
    ],
)
def test_a_list_as_under_targets_in_yaml_or_json(name: str, content: str) -> None:
    pool = load(content, name=name).pools[0]
    assert pool.listed == (
        Target(A, A, ProbeSpec(Protocol.TCP, A, 80, 2.0)),
        Target(B, "two", ProbeSpec(Protocol.TCP, B, 81, 2.0)),
    )
    assert pool.targets_file == (name if name.startswith("/") else f"/etc/x/{name}")


WHERE = "line 13: config.targets_file: /etc/x/"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("i.json", " \n", "i.json: is empty: it must hold a list of targets"),
        ("i.json", "x", "i.json: line 1: column 1: not valid JSON: Expecting value"),
        ("i.yaml", "", "i.yaml: is empty: it must hold a list of targets"),
        ("i.yaml", "# nothing", "i.yaml: is empty: it must hold a list of targets"),
        ("i.json", "[]", "i.json: is an empty list: list IP addresses, or remove the key"),
        ("i.json", "null", "i.json: is empty: give a value, or remove the key"),
        ("i.json", '{"targets": []}', "i.json: must be a list of IP addresses"),
        (
            "i.json",
            f'["{A}",\n "{B}"',
            "i.json: line 2: column 17: not valid JSON: Expecting ',' delimiter",
        ),
        (
            "i.yaml",
            f"- {A}\n- nonsense\n",
            "i.yaml: line 2: [1]: must be an IP address, such as `192.0.2.10` or `2001:db8::10`",
        ),
        (
            "i.json",
            f'["{A}", 7]',
            "i.json: [1]: must be an IP address, such as `192.0.2.10` or `2001:db8::10`",
        ),
        (
            "i.json",
            f'[{{"address": "{A}", "prob": 1}}]',
            "i.json: [0].prob: unknown key; did you mean `probe`?",
        ),
        (
            "i.json",
            f'[{{"address": "{A}", "address": "{B}"}}]',
            "i.json: [0].address: is given twice: keep one",
        ),
        ("i.json", b"\xff\xfe", "i.json: line 1: is not UTF-8: save the file in that encoding"),
        ("i.json", b"[\0]", "i.json: is not a text file: it must be YAML in UTF-8"),
        (
            "i.json",
            "[" * 100_000,
            "i.json: is nested more than 16 deep: no target needs that",
        ),
        (
            "i.json",
            "[" * 50 + "]" * 50,
            "i.json: is nested more than 16 deep: no target needs that",
        ),
        (
            "i.json",
            '["\\ud800"]',
            "i.json: an escape gives half a character: write the character itself",
        ),
        (
            "i.json",
            b"[" * (MAX_BYTES + 1),
            "i.json: is larger than 4 MiB: no list of targets",
        ),
    ],
    ids=lambda given: given[:20] if isinstance(given, str) else "bytes",
)
def test_a_bad_file_is_told_with_its_name_and_where(
    name: str, content: str | bytes, expected: str
) -> None:
    assert problems(content, name=name) == [WHERE + expected]


def test_a_file_that_is_not_there() -> None:
    text = changed(*WITNESS, "targets_file: i.json")
    with pytest.raises(ConfigError, match=r"targets_file: /e/i.json: does not exist"):
        parse(text.encode(), "/e/config.yaml", {}, no_file)


def test_the_rules_of_targets_hold() -> None:
    found = problems(f'["{A}", "{A}"]', f"retired: [{A}]")
    assert found == [
        f"{WHERE}inv.json: [1]: {A} is listed already at [0]: keep one",
        f"line 14: config.retired[0]: {A} is in `targets` too: keep one",
    ]


def test_of_many_problems_the_first_are_told() -> None:
    found = problems(json.dumps(["x"] * 1000))
    assert len(found) == 6
    assert found[-1].endswith("and 995 more problems")


def test_beside_targets_it_is_a_contradiction() -> None:
    found = problems(f'["{A}"]', f"targets: [{B}]")
    assert found == ["line 13: config.targets_file: stands beside `targets`: keep one of them"]


def test_pools_inherit_a_file_and_the_nearest_word_counts() -> None:
    pools = (
        "pools:\n  - {record: a}\n  - {record: b, targets_file: b.json}\n"
        f"  - {{record: c, targets: [{B}]}}"
    )
    text = changed(*WITNESS, "targets_file: a.json", pools)
    read = reading({"/x/a.json": f'["{A}"]', "/x/b.json": f'["{A}", "{B}"]'})
    config = parse(text.encode(), "/x/c.yaml", {}, no_file, read)
    assert [len(pool.listed) for pool in config.pools] == [1, 2, 1]
    assert [p.targets_file for p in config.pools] == ["/x/a.json", "/x/b.json", ""]
    assert {path: file.length for path, file in config.files.items()} == {
        "/x/a.json": 1,
        "/x/b.json": 2,
    }


def test_with_other_files_it_is_the_same_configuration_with_other_targets() -> None:
    config = load(f'["{A}"]')
    later = config.with_files({"/etc/x/inv.json": f'["{A}", "{B}"]'.encode()})
    assert (addresses(config), addresses(later)) == ([A], [A, B])
    assert (later.api, later.fingerprint) == (config.api, config.fingerprint)
    with pytest.raises(ConfigError, match="not valid JSON"):
        config.with_files({"/etc/x/inv.json": b"["})
    assert addresses(later.with_files({"/etc/x/inv.json": f'["{B}"]'.encode()})) == [B]


def test_no_error_shows_the_password() -> None:
    """Somebody names the configuration itself: its lines are not repeated."""
    text = changed(*WITNESS, "targets_file: config.yaml").encode()
    with pytest.raises(ConfigError) as caught:
        parse(text, "/x/config.yaml", {}, no_file, lambda _: text)
    assert "123456example" not in str(caught.value)


# --- what it costs --------------------------------------------------------------------------


def _seconds(act: Callable[[], object]) -> float:
    began = time.process_time()
    act()
    return time.process_time() - began


def test_json_of_ten_thousand_targets_costs_much_less_than_yaml() -> None:
    rows = [
        {
            "address": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
            "name": f"vm-{n}",
            "probe": {"port": 81},
        }
        for n in range(1, 10_001)
    ]
    as_json = json.dumps(rows)
    as_yaml = "\n".join(f"- {json.dumps(row)}" for row in rows)
    assert len(load(as_json).pools[0].listed) == 10_000
    pairs = [
        (_seconds(lambda: load(as_json)), _seconds(lambda: load(as_yaml, name="inv.yaml")))
        for _ in range(3)
    ]
    assert min(yaml / of_json for of_json, yaml in pairs) > 2.0


# --- files that are none --------------------------------------------------------------------


def special_files(folder: Path) -> Iterable[tuple[Path, str]]:
    import os  # noqa: PLC0415
    import socket  # noqa: PLC0415

    os.mkfifo(folder / "fifo")
    yield folder / "fifo", "cannot be read: it is no regular file"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
    yield folder / "socket", "cannot be read: "
    yield Path("/dev/zero"), "cannot be read: it is no regular file"
    yield folder, "is a folder: give the path of a file"
    with (folder / "huge").open("wb") as huge:
        huge.truncate(10**12)
    yield folder / "huge", "is larger than 4 MiB"


def test_what_is_no_file_neither_hangs_nor_fills_us(tmp_path: Path) -> None:
    for path, expected in special_files(tmp_path):
        config = tmp_path / "config.yaml"
        config.write_text(changed(*WITNESS, f'targets_file: "{path}"'))
        with pytest.raises(ConfigError) as caught:
            startup.load(str(config), {})
        assert f"{path}: {expected}" in str(caught.value)


# --- the document ---------------------------------------------------------------------------


def test_the_example_of_the_document_is_good() -> None:
    document = (Path(__file__).parents[3] / "docs" / "many-names.md").read_text()
    as_yaml, as_json = (
        document.partition(f"```{language}\n")[2].partition("```")[0]
        for language in ("yaml", "json")
    )
    environ = {"DNSBALANCER_PASSWORD": "p"}
    files = reading({"/etc/dnsbalancer/shop.json": as_json})
    found = parse(as_yaml.encode(), "/etc/dnsbalancer/config.yaml", environ, no_file, files)
    assert found.notes == ()
    shop, api, status = found.pools
    assert shop.records == ("example.com", "www.example.com", "shop.example.com")
    assert [target.name for target in shop.listed] == ["198.51.100.1", "shop-2"]
    assert (api.timing.interval, status.zone, len(status.listed)) == (10.0, "example.org", 2)
