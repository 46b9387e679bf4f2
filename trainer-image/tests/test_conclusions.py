from __future__ import annotations

from studious.notebook._conclusions import Finding


def test_a_change_has_the_words_of_the_json() -> None:
    change = {"path": "spec.rounds[0].trials", "from": 8, "to": 20}
    finding = Finding.of(
        {
            "code": "TooFewTrials",
            "severity": "Warning",
            "advice": "Run more.",
            "section": "s",
            "evidence": {},
            "change": change,
        }
    )
    assert finding.change is not None
    assert (finding.change.from_, finding.change.to) == (8, 20)
    assert str(finding.change) == "spec.rounds[0].trials: 8 → 20"
