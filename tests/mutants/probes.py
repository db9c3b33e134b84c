"""Bugs in how targets are probed by http and https."""

from __future__ import annotations

from tests.mutants.mutant import HTTP, HTTP_CONFIG, HTTPS, Mutant

PROBES = (
    Mutant(
        "http: the status is not looked at",
        "probe/http.py",
        "if not any(low <= head.status <= high for low, high in terms.statuses):",
        "if False:",
        HTTP + "the_status_is_as_expected_or_not",
    ),
    Mutant(
        "http: the end of a range of statuses is no good one",
        "probe/http.py",
        "low <= head.status <= high",
        "low <= head.status < high",
        HTTP + "the_status_is_as_expected_or_not",
    ),
    Mutant(
        "http: an interim answer is taken for the final one",
        "probe/http_answer.py",
        "if status >= 200 or status == _SWITCHING_PROTOCOLS:",
        "if status >= 100:",
        HTTP + "a_good_head_is_a_success",
    ),
    Mutant(
        "http: the head may be as long as it likes",
        "probe/http_answer.py",
        "self._head_left -= len(line) + 2",
        "pass",
        HTTP + "what_is_no_answer",
    ),
    Mutant(
        "http: the text is not looked for",
        "probe/http.py",
        "if terms.body and not await",
        "if False and not await",
        HTTP + "the_text_is_in_the_body_or_not",
    ),
    Mutant(
        "http: a text across two pieces is not found",
        "probe/http_answer.py",
        "begin = max(0, len(seen) - len(text) + 1)",
        "begin = len(seen)",
        HTTP + "the_text_is_in_the_body_or_not",
    ),
    Mutant(
        "http: what follows the body is taken for a part of it",
        "probe/http_answer.py",
        "piece = bytes(self._buffer[:size])",
        "piece = bytes(self._buffer)",
        HTTP + "the_text_is_in_the_body_or_not",
    ),
    Mutant(
        "http: a target may send without end",
        "probe/http_line.py",
        "if self._received > RECEIVED_LIMIT:",
        "if False:",
        HTTP + "a_flood_of_bytes_ends",
    ),
    Mutant(
        "http: the deadline is for each wait, not for all together",
        "probe/http_line.py",
        "self._left -= min(time.perf_counter() - begun, longest)",
        "self._left = self._timeout",
        HTTP + "the_deadline_is_for_the_whole_exchange",
    ),
    Mutant(
        "http: a loop that is late is charged to the target",
        "probe/http_line.py",
        "self._left -= min(time.perf_counter() - begun, longest)",
        "self._left -= time.perf_counter() - begun",
        HTTP + "a_loop_that_is_late_is_not_the_targets_fault",
    ),
    Mutant(
        "https: nothing is verified",
        "probe/http_trust.py",
        "if not terms.verify:",
        "if True:",
        HTTPS + "an_expired_certificate_says_since_when",
    ),
    Mutant(
        "https: whose certificate it is does not matter",
        "probe/http_trust.py",
        'context.set_alpn_protocols(["http/1.1"])',
        "context.check_hostname = False",
        HTTPS + "a_certificate_for_another_name",
    ),
    Mutant(
        "https: authorities are read once and for ever",
        "probe/http_trust.py",
        "if known is None or known[0] != stamp:",
        "if known is None:",
        HTTPS + "authorities_that_are_replaced_are_trusted_at_once",
    ),
    Mutant(
        "https: all handshakes that are ready are made in one go",
        "probe/http_line.py",
        "await asyncio.sleep(0)",
        "pass",
        HTTPS + "handshakes_leave_the_loop_to_others",
    ),
    Mutant(
        "https: a refused certificate does not tell its end",
        "probe/http.py",
        "expires = await self._expiry_of_refused(spec, host, patience)",
        "expires = None",
        HTTPS + "an_expired_certificate_says_since_when",
    ),
    Mutant(
        "https: a port of another protocol is inherited",
        "config/targets.py",
        "inherited = outer.port if by is outer.protocol or by not in DEFAULT_PORTS else None",
        "inherited = outer.port",
        HTTP_CONFIG + "a_port_is_inherited_within_a_protocol",
    ),
)
