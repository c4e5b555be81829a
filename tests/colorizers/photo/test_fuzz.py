"""A quarter of a minute of broken files through the decoding process; `python -m benchmarks fuzz` is the long run."""

from benchmarks.stress.fuzz import fuzz, made_corpus, mutated


def test_broken_files_end_as_a_photo_or_as_an_error_of_the_library() -> None:
    findings = fuzz(made_corpus(), range(1_000_000, 1_003_000), seconds=12)
    assert findings.failures == []
    assert sum(findings.outcomes.values()) > 100
    assert findings.outcomes["photo"] > 10
    assert findings.outcomes["UndecodableError"] > 10
    assert findings.longest_s < 10
    assert len(findings.servers) == 1
    assert findings.is_flat


def test_the_seed_decides() -> None:
    corpus = made_corpus()
    assert mutated(corpus, 7) == mutated(corpus, 7)
    assert len({mutated(corpus, seed) for seed in range(50)}) == 50
