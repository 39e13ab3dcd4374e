from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.ending import Cause, Delivered, Facts, conclude, failure_of
from mogplex.domain.ports import Claim
from mogplex.domain.run import MOVES, OUTCOME_MEANING, Outcome, Status, Verdict

CLAIMS = st.builds(
    Claim, st.sampled_from([True, False, None]), st.booleans(), error=st.one_of(st.none(), st.just("boom"))
)
FACTS = st.builds(
    Facts,
    cause=st.one_of(st.none(), st.sampled_from(Cause)),
    claim=st.one_of(st.none(), CLAIMS),
    exit_code=st.sampled_from([None, 0, 1, 137]),
    output_valid=st.booleans(),
    checks_wanted=st.booleans(),
    verdict=st.sampled_from(Verdict),
    changed=st.booleans(),
    delivered=st.sampled_from(Delivered),
    detail=st.sampled_from(["", "why"]),
)


@given(FACTS)
def test_success_needs_everything_at_once(facts: Facts) -> None:
    outcome, _ = conclude(facts)
    claimed = facts.claim is not None and facts.claim.success is True and facts.claim.whole and facts.exit_code == 0
    checked = not facts.checks_wanted or facts.verdict is Verdict.VERIFIED
    handed_over = not facts.changed or facts.delivered in (Delivered.DONE, Delivered.NOT_NEEDED)
    deserved = facts.cause is None and claimed and facts.output_valid and checked and handed_over
    assert (outcome.status is Status.SUCCESS) == deserved


@given(FACTS)
def test_the_first_cause_wins_over_everything_said_later(facts: Facts) -> None:
    outcome, _ = conclude(facts)
    if facts.cause is not None:
        assert outcome is conclude(Facts(cause=facts.cause))[0]
        assert (outcome.status is Status.CANCELLED) == (facts.cause in (Cause.CANCELLED, Cause.SUPERSEDED))


@given(FACTS)
def test_all_but_a_success_has_an_error_line_and_a_failure_has_a_remedy(facts: Facts) -> None:
    outcome, error = conclude(facts)
    assert (error is None) == (outcome.status is Status.SUCCESS)
    assert (failure_of(outcome) is not None) == (outcome.status is Status.FAILED)


def test_every_outcome_has_a_meaning_and_a_terminal_status_that_nothing_leaves() -> None:
    assert set(OUTCOME_MEANING) == set(Outcome)
    for outcome in Outcome:
        assert outcome.status.is_terminal
        assert MOVES[outcome.status] == frozenset()
    assert set(MOVES) == set(Status)


def test_every_outcome_can_be_reached() -> None:
    good = Claim(success=True, whole=True)
    reached = {conclude(Facts(cause=cause))[0] for cause in Cause}
    for facts in (
        Facts(),
        Facts(claim=good, exit_code=0, output_valid=False),
        Facts(claim=good, exit_code=0, checks_wanted=True, verdict=Verdict.INCONCLUSIVE),
        Facts(claim=good, exit_code=0),
        Facts(claim=good, exit_code=0, changed=True, delivered=Delivered.DONE),
        Facts(claim=good, exit_code=0, changed=True, delivered=Delivered.FAILED),
    ):
        reached.add(conclude(facts)[0])
    assert reached == set(Outcome)
