"""The outcome table: a success needs every one of its conditions, and a cause that came first always wins."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mogplex.cli.exit_codes import of_run
from mogplex.domain.ending import Cause, Delivered, Facts, conclude, failure_of
from mogplex.domain.ports import Claim
from mogplex.domain.run import Outcome, Status, Verdict

CLAIMS = st.builds(
    Claim,
    success=st.sampled_from([True, False, None]),
    whole=st.booleans(),
    summary=st.sampled_from(["", "All done!"]),
    error=st.sampled_from([None, "boom"]),
)
FACTS = st.builds(
    Facts,
    cause=st.one_of(st.none(), st.sampled_from(Cause)),
    claim=st.one_of(st.none(), CLAIMS),
    exit_code=st.sampled_from([0, 0, 1, 137, None]),
    lingered=st.booleans(),
    output_valid=st.booleans(),
    checks_wanted=st.booleans(),
    verdict=st.sampled_from(Verdict),
    changed=st.booleans(),
    delivered=st.sampled_from(Delivered),
    detail=st.sampled_from(["", "why"]),
)


def deserves_success(facts: Facts) -> bool:
    return (
        facts.cause is None
        and facts.claim is not None
        and facts.claim.success is True
        and facts.claim.whole
        and (facts.exit_code == 0 or facts.lingered)
        and facts.output_valid
        and (not facts.checks_wanted or facts.verdict is Verdict.VERIFIED)
        and (not facts.changed or facts.delivered in (Delivered.DONE, Delivered.NOT_NEEDED))
    )


@given(FACTS)
def test_success_is_exactly_what_deserves_it(facts: Facts) -> None:
    outcome, error = conclude(facts)
    assert (outcome.status is Status.SUCCESS) == deserves_success(facts)
    assert (error is None) == (outcome.status is Status.SUCCESS)
    if outcome.status is Status.SUCCESS:
        assert outcome is (Outcome.COMPLETED if facts.changed else Outcome.NO_CHANGES)


@given(FACTS, st.sampled_from(Cause))
def test_a_cause_wins_over_all_that_came_later(facts: Facts, cause: Cause) -> None:
    plain = conclude(Facts(cause=cause))[0]
    assert conclude(replace(facts, cause=cause))[0] is plain
    assert plain.status in (Status.FAILED, Status.CANCELLED)


@given(FACTS)
def test_every_failure_tells_a_program_and_a_person_what_to_do(facts: Facts) -> None:
    outcome, error = conclude(facts)
    failure = failure_of(outcome)
    assert (failure is not None) == (outcome.status is Status.FAILED)
    if failure is not None:
        assert failure.remedy
        assert error


def test_every_cause_has_an_outcome_of_its_own() -> None:
    assert len({conclude(Facts(cause=cause))[0] for cause in Cause}) == len(Cause)


def test_every_outcome_has_a_row_in_the_document_with_its_remedy() -> None:
    """docs/outcomes.md: outcome, status, exit code, cause, retryable, what to do."""
    text = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()
    rows = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \| .+? \| ?(\w*) \| ?(.*?) ?\|$", text, re.M)
    }
    assert set(rows) == set(Outcome)
    for outcome, (status, code, retryable, remedy) in rows.items():
        failure = failure_of(Outcome(outcome))
        assert status == Outcome(outcome).status
        assert int(code) == of_run({"status": status, "outcome": outcome})
        assert (retryable, remedy) == (("yes" if failure.retryable else "no", failure.remedy) if failure else ("", ""))
