"""The seam between the search and a language: what `repair.py` asks, and a language's project answers.

`python_project.py` is the only implementation today. docs/repair-languages.md says how to add another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .candidates import Candidates
from .goal import Goal, Suite
from .report import Report
from .spectra import Suspect
from .trial import Findings, Plausible
from .validate import Verdict


class NoSuite(Exception):
    """The tests can't be run. `exit_code` is the test runner's; the message says what to do."""

    def __init__(self, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.exit_code = exit_code


class Language(Protocol):
    """A project of some language, open for repair. Nothing but `write` may change the tree.

    Every method may take long; it calls `pause` (given when the project was made) several times a second, which raises
    to stop it.
    """

    def run_tests(self) -> Suite:
        """Run the whole suite at least twice. Raises NoSuite when there is nothing to run, ServerLost when the tests
        kill what runs them."""
        ...

    def spectra(self, goal: Goal, report: Report) -> list[Suspect]:
        """Suspicious places, most suspicious first, and their evidence (put into `report`)."""
        ...

    def edits(self, goal: Goal, suspects: list[Suspect]) -> Candidates:
        """Every edit worth a try, likeliest first, made as they are needed. Edits are spans of text, so layout and
        comments stay."""
        ...

    def try_out(
        self,
        goal: Goal,
        candidates: Candidates,
        deadline: float,
        limit: int,
        on_progress: Callable[[Findings], None],
        refused: Sequence[Plausible] = (),
    ) -> Findings:
        """Try candidates until `deadline` (monotonic) or `limit` tries: each against the failing tests, then against
        the tests that run the edited line. Never in the tree.

        Called again with the same candidates, it goes on where it stopped, as if it had not found what is `refused`.
        """
        ...

    def choose(self, findings: Findings, goal: Goal) -> list[Plausible]:
        """The plausible patches (else those that mend a part), the most natural one first."""
        ...

    def validate(self, plausible: Plausible, goal: Goal) -> Verdict:
        """The whole suite with the patch, from a fresh start."""
        ...

    def write(self, plausible: Plausible) -> None:
        """Put the patch into the tree, in one step."""
        ...
