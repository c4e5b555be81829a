"""Tests of the load command: its verdicts, and a short run with more clients than workers."""

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.speed import load


def level(clients: int, rate: float, **others: object) -> dict[str, object]:
    """Return what would be measured with so many clients."""
    usual = {"answers": "200: 9, 503: 1", "healthz p99 ms": 20.0, "web MiB": 100}
    return {"clients": clients, "photos/s": rate, **usual, **others}


@pytest.mark.parametrize(
    ("levels", "failing"),
    [
        ([level(1, 2.0), level(4, 8.0), level(16, 7.0), level(64, 6.5)], []),
        ([level(1, 2.0), level(4, 8.0), level(16, 6.0), level(64, 7.9)], ["throughput"]),
        ([level(1, 9.0), level(4, 8.0), level(16, 7.3), level(64, 7.1)], ["throughput"]),
        ([level(1, 2.0, answers="200: 9, 500: 1")], ["the answers"]),
        ([level(1, 2.0, answers="200: 9, 503 without Retry-After: 1")], ["the answers"]),
        ([level(1, 2.0), level(4, 8.0, **{"healthz p99 ms": 301.0})], ["/healthz"]),
        ([level(1, 2.0), level(4, 8.0, **{"web MiB": 121})], ["a web process"]),
    ],
)
def test_verdicts(levels: list[dict[str, object]], failing: list[str]) -> None:
    verdicts = list(load._judge(levels))
    assert len(verdicts) == 4
    failed = [verdict.text for verdict in verdicts if not verdict.holds]
    assert len(failed) == len(failing)
    assert all(text.startswith(beginning) for text, beginning in zip(failed, failing, strict=True))


def test_comparison_with_the_plain_server() -> None:
    assert load._judge_ratio([level(4, 3.0), level(4, 2.0)]).holds
    assert not load._judge_ratio([level(4, 2.9), level(4, 2.0)]).holds


def test_in_short(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(load, "_MEMORY_WARM_UP_S", 0.2)
    options = ["--seconds", "1", "--clients", "8", "--requests", "10", "--warm-up", "4", "--megapixels", "0.05"]
    main(["load", "--parts", "load,memory", *options, "--json", str(tmp_path / "figures.json")])
    printed = capsys.readouterr().out
    # How fast it is in a few seconds, beside other tests, is no verdict.
    for text in ("holds: the answers are 200\n", "holds: a web process has", "the web processes went from"):
        assert text in printed
