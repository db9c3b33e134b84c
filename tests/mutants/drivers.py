"""Bugs in the drivers of record sets and of name servers: lost names, updates, records."""

from __future__ import annotations

from tests.mutants.mutant import SETS, SETS_WIRE, UPDATES, Mutant

DRIVERS = (
    Mutant(
        "an update is on the condition that the set exists, whatever it holds",
        "provider/rfc2136.py",
        "update.present(_name(name), *values)",
        "update.present(_name(name), kind.value)",
        UPDATES + "nothing_is_done_if_somebody_has_written_the_set",
    ),
    Mutant(
        "the last value of a name server's set goes",
        "provider/rfc2136.py",
        "        if {record.value for record in seen} <= {record.value for record in gone}:\n",
        "        if not gone:\n",
        UPDATES + "the_last_of_a_set_does_not_go",
    ),
    Mutant(
        "a copy outlives a server that began anew",
        "provider/rfc2136.py",
        "copy.zone = _nothing_of(zone)  # the serial",
        "pass  # the serial",
        UPDATES + "a_server_whose_zone_began_anew_is_read_anew",
    ),
    Mutant(
        "a set of addresses is written empty",
        "provider/sets.py",
        "if not left and there.type is not RecordType.TXT:",
        "if not left and not there.values:",
        SETS + "the_last_address_is_refused_and_nothing_is_written",
    ),
    Mutant(
        "a set is exchanged whatever it has become",
        "provider/sets.py",
        "if there is None or set(there.values) != {record.value for record in seen}:",
        "if there is None:",
        SETS + "an_exchange_is_for_the_set_that_was_seen",
    ),
    Mutant(
        "a value is deleted whoever has put it back",
        "provider/sets.py",
        "there.id == record.id for there in self._known(zone, record.type, found)",
        "there.value == record.value for there in self._known(zone, record.type, found)",
        SETS + "what_was_put_back_is_another_record",
    ),
    Mutant(
        "what has gone keeps its id",
        "provider/versions.py",
        "                del self._ids[key]\n",
        "                pass\n",
        SETS + "what_was_put_back_is_another_record",
    ),
    Mutant(
        "a backslash in a text escapes what follows it",
        "provider/sets.py",
        r"""escaped = value.replace("\\", "\\\\").replace('"', '\\"')""",
        r"""escaped = value.replace('"', '\\"')""",
        SETS + "a_text_survives_its_quotation_marks",
    ),
    Mutant(
        "what PowerDNS has disabled is dropped",
        "provider/powerdns.py",
        "        contents += [(content, True) for content in wanted.hidden]\n",
        "",
        SETS + "what_is_disabled_stays_disabled",
    ),
    Mutant(
        "what PowerDNS has disabled counts as served",
        "provider/powerdns.py",
        'if record.get("disabled") is True:',
        'if record.get("disabled") is None:',
        SETS + "the_last_that_is_served_is_the_last",
    ),
    Mutant(
        "a list ends with its first page",
        "provider/designate.py",
        "            if page[1] is None:\n",
        "            if items:\n",
        SETS_WIRE + "no_page_is_read_from_anywhere_else",
    ),
    Mutant(
        "a link is followed with the token, wherever it leads",
        "provider/designate.py",
        "url = urlsplit(url)._replace(query=urlsplit(urljoin(url, page[1])).query).geturl()",
        "url = urljoin(url, page[1])",
        SETS_WIRE + "no_page_is_read_from_anywhere_else",
    ),
    Mutant(
        "a value that went meanwhile is a refusal",
        "provider/designate.py",
        'if error.reason is ApiReason.NOT_FOUND and "record_not_found" in str(error):',
        'if error.reason is ApiReason.NOT_FOUND and "not there" in str(error):',
        SETS_WIRE + "a_value_that_went_while_its_set_was_replaced_is_doubt",
    ),
    Mutant(
        "an empty set of Designate's is put, not deleted",
        "provider/designate.py",
        'method = "DELETE" if not wanted.values else "PUT" if wanted.id else "POST"',
        'method = "PUT" if wanted.id else "POST"',
        SETS_WIRE + "an_empty_set_is_never_sent",
    ),
)
