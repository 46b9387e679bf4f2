"""What is concluded from a study's trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from studious.notebook._source import Json


@dataclass(frozen=True)
class Change:
    """An edit of the study that a finding suggests."""

    path: str
    """Where: ``spec.hyperparameters[1].range.max``."""
    from_: Any
    """What stands there now; None when nothing does."""
    to: Any
    """What should stand there; None when it should go."""

    def __str__(self) -> str:
        return f"{self.path}: {self.from_} → {self.to}"


@dataclass(frozen=True)
class Finding:
    """A conclusion drawn from the trials, with the numbers behind it."""

    code: str
    """Stable: ``SearchSpaceTooNarrow``."""
    severity: str
    """``Info``, ``Warning`` or ``Problem``."""
    advice: str
    """What was found and what to do."""
    section: str
    """The playbook's section."""
    evidence: Mapping[str, float]
    hyperparameter: str | None = None
    trials: Sequence[str] = ()
    change: Change | None = None
    waived: str | None = None
    """Why the study sets it aside, if it does."""
    raw: Json = field(default_factory=dict, repr=False, compare=False)
    """As the JSON says it."""

    @classmethod
    def of(cls, value: Json) -> Finding:
        """Read one of ``studious findings --format json``."""
        change = value.get("change")
        return cls(
            code=value["code"],
            severity=value["severity"],
            advice=value["advice"],
            section=value["section"],
            evidence=value["evidence"],
            hyperparameter=value.get("hyperparameter"),
            trials=tuple(value.get("trials", ())),
            change=Change(change["path"], change["from"], change["to"]) if change else None,
            waived=value.get("waived"),
            raw=value,
        )

    def _repr_html_(self) -> str:
        of = f" <code>{escape(self.hyperparameter)}</code>" if self.hyperparameter else ""
        change = f"<br>In the next study: <code>{escape(str(self.change))}</code>"
        aside = f"<br>Waived by the study: {escape(self.waived)}" if self.waived else ""
        return (
            f"<p><strong>{escape(self.severity)}: {escape(self.code)}</strong>{of}<br>"
            f"{escape(self.advice)}{change if self.change else ''}{aside}<br>"
            f"<small>Playbook: “{escape(self.section)}”</small></p>"
        )


@dataclass(frozen=True)
class Question:
    """One of the five questions to ask before an answer is believed."""

    number: int
    question: str
    answer: str
    """``Pass``, ``Fail``, ``Unknown`` or ``Waived``."""
    reason: str
    codes: Sequence[str]
    """Of the findings that speak to it."""


@dataclass(frozen=True)
class Checklist:
    """The five questions, and whether the study's answer must wait."""

    provisional: bool
    questions: Sequence[Question]
    raw: Json = field(default_factory=dict, repr=False, compare=False)
    """As the JSON says it, with how well each arm is tuned."""

    @classmethod
    def of(cls, value: Json) -> Checklist:
        """Read that of ``studious findings --format json``."""
        questions = [
            Question(q["number"], q["question"], q["answer"], q["reason"], tuple(q["codes"]))
            for q in value["questions"]
        ]
        return cls(value["provisional"], tuple(questions), value)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(q.answer)}</td><td style='text-align: left'>{escape(q.question)}</td>"
            f"<td style='text-align: left'>{escape(q.reason)}</td></tr>"
            for q in self.questions
        )
        said = (
            "The answer is provisional: not all five checks pass."
            if self.provisional
            else "All five checks pass or are waived."
        )
        return f"<p>{said}</p><table><tbody>{rows}</tbody></table>"


class Findings(list[Finding]):
    """Findings, the most severe first."""

    def _repr_html_(self) -> str:
        return "".join(finding._repr_html_() for finding in self) or "<p>No findings.</p>"
