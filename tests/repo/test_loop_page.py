"""benchmarks/failover.md: its settings are the benchmark's, its promises what the code computes."""

from __future__ import annotations

from benchmarks import loop, loop_page, results


def test_the_measured_page_is_of_these_settings_and_promises() -> None:
    text = loop_page.PAGE.read_text()
    for setting in loop.SETTINGS:
        assert f"## {setting.name}\n\n{loop_page.told(setting)}\n" in text
        for death in loop.DEATHS:
            terms = loop_page.promises(setting, silent=death.silent)
            row = results.table((), [loop_page.promise_row(terms)]).splitlines()[-1]
            assert row in text, (setting.name, death.name)
    assert text.endswith(loop_page.FOOT)
