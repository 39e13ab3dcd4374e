"""What becomes of a forge's message: its run is started, and the forge is told at the start and at the end.

Any number of processes may work: each step is taken by one of them, and one that was cut off is done again. The run's
idempotency key is the message's id, and an answer is found by its mark, so nothing is done twice.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from mogplex.domain.access import Caller, Scope
from mogplex.domain.answer import write_answer
from mogplex.domain.errors import BadRequest, Conflict, Forbidden, MogplexError, RateLimited
from mogplex.domain.forge import ForgeBusy
from mogplex.domain.hook import Wish
from mogplex.domain.hook_delivery import HookDelivery, HookStatus
from mogplex.domain.repo import Repo
from mogplex.domain.request import RunRequest
from mogplex.domain.run import Delivery, Run
from mogplex.forges.forges import Forges
from mogplex.forges.github_answers import GitHubAnswers
from mogplex.service.due import pause_after, try_each
from mogplex.service.runs import Runs
from mogplex.service.sealing import open_secrets
from mogplex.service.vault import Vault
from mogplex.store import hooks as hook_table
from mogplex.store import repos as repo_table
from mogplex.store import runs as run_table
from mogplex.store.database import Database, Transaction

PAUSES_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0)
LEASE_SECONDS = 300.0  # longer than all requests of one step
HANDS = 4
MAX_ERROR_CHARACTERS = 500
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """There will be no run; the message says why."""


class HookWork:
    def __init__(self, database: Database, runs: Runs, vault: Vault, forges: Forges, public_url: str = "") -> None:
        self._database = database
        self._runs = runs
        self._vault = vault
        self._forges = forges
        self._public_url = public_url

    def carry(self) -> int:
        """One step for each message that is due. Returns how many were tried."""
        return try_each(self._database, hook_table.select_due, self._try, hands=HANDS, name="hooks")

    def _try(self, delivery: HookDelivery) -> bool:
        with self._database.write() as tx:
            lease = hook_table.take(tx, delivery, LEASE_SECONDS)
            repo = repo_table.get(tx, delivery.repo_id)
            now = tx.now
        if lease is None or repo is None:
            return False
        delivery = replace(delivery, tries=delivery.tries + 1)
        try:
            delivery = self._start(delivery, repo)
            self._answer(delivery, repo, lease)
        except (ForgeBusy, RateLimited) as fault:
            self._put_off(delivery, lease, now, fault.message, fault.retry_after_seconds)
        except MogplexError as fault:
            self._put_off(delivery, lease, now, fault.message, None)
        return True

    def _start(self, delivery: HookDelivery, repo: Repo) -> HookDelivery:
        """The delivery with its run, or with the reason why there is none. Raises RateLimited, ForgeBusy: not yet."""
        if delivery.status is not HookStatus.WAITING:
            return delivery
        try:
            request = self._request_of(delivery.wish, repo)
            started = self._runs.start(_caller_of(repo), request, f"github:{delivery.id}", own_key=True)
            changed = replace(delivery, status=HookStatus.STARTED, run_id=started.run.id)
        except (BadRequest, Conflict, Forbidden) as fault:
            changed = replace(delivery, status=HookStatus.REFUSED, refusal=fault.message)
        except _Refused as fault:
            changed = replace(delivery, status=HookStatus.REFUSED, refusal=str(fault))
        with self._database.write() as tx:
            told = {"status": changed.status, "run_id": changed.run_id, "refusal": changed.refusal}
            hook_table.update(tx, delivery, told)
        return changed

    def _request_of(self, wish: Wish, repo: Repo) -> RunRequest:
        """On a branch that runs may push to the work goes there; else into a branch of its own."""
        branch = wish.branch
        if branch is None and wish.on_request and wish.number is not None:
            facts = self._open(repo).get_request(wish.number)
            if not facts.own:
                raise _Refused("It is a fork's pull request, and Mogplex works on no code of forks.")
            branch = facts.branch
        base = branch or repo.default_branch
        delivery, onto = repo.hooks.delivery, wish.on_request and branch is not None and repo.may_push_to(base)
        where = (
            {"baseBranch": repo.default_branch, "workingBranch": base, "delivery": Delivery.BRANCH}
            if onto and delivery is not Delivery.PATCH
            else {"baseBranch": base, "createBranch": True, "delivery": delivery}
        )
        labels = {"github.trigger": str(wish.trigger), "github.by": wish.person[:200]}
        if wish.number is not None:
            labels["github.number"] = str(wish.number)
        return RunRequest.of({"repoId": repo.id, "prompt": wish.task, "labels": labels, **where})

    def _answer(self, delivery: HookDelivery, repo: Repo, lease: float) -> None:
        """Tell how it stands; the last time it is told what it came to."""
        run = self._run_of(delivery)
        if run is None and delivery.status is not HookStatus.REFUSED:  # it was taken away meanwhile
            with self._database.write() as tx:
                hook_table.update(tx, delivery, {"status": HookStatus.DONE, "next_at": None})
            return
        answer = write_answer(delivery, run, self._public_url)
        wish, answers = delivery.wish, self._open(repo)
        if wish.number is not None:
            answer_id = answers.put_comment(wish.number, answer, delivery.answer_id)
        else:
            assert wish.sha is not None
            answer_id = answers.put_check(wish.sha, answer, delivery.answer_id)
        over = answer.conclusion is not None
        with self._database.write() as tx:
            values = {"answer_id": answer_id, "tries": 0, "last_error": None}
            hook_table.update(tx, delivery, {**values, **({"status": HookStatus.DONE} if over else {})})
            hook_table.release(tx, delivery, lease, None)
            if not over and run is not None:
                _catch_up(tx, run.id)

    def _run_of(self, delivery: HookDelivery) -> Run | None:
        if delivery.run_id is None:
            return None
        with self._database.read() as tx:
            return run_table.get(tx, delivery.run_id)

    def _open(self, repo: Repo) -> GitHubAnswers:
        with self._database.read() as tx:
            secrets = open_secrets(tx, self._vault, repo.id)
        return self._forges.open_answers(repo, secrets)

    def _put_off(
        self, delivery: HookDelivery, lease: float, now: float, error: str, wanted_seconds: float | None
    ) -> None:
        """Till later, or for good: the run goes on whether the forge hears of it or not."""
        _log.warning("the message %s of a forge: %s", delivery.id, error)
        with self._database.write() as tx:
            hook_table.update(tx, delivery, {"last_error": error[:MAX_ERROR_CHARACTERS]})
            pause = pause_after(delivery.tries, PAUSES_SECONDS, wanted_seconds)
            hook_table.release(tx, delivery, lease, None if pause is None else now + pause)


def _catch_up(tx: Transaction, run_id: str) -> None:
    """The run may have ended before its id was noted, so that its ending called up nothing."""
    found = run_table.get(tx, run_id)
    if found is not None and found.status.is_terminal:
        hook_table.call_up(tx, run_id)


def _caller_of(repo: Repo) -> Caller:
    """Whoever asks through a forge does so in this repo only, with a quota of starts that belongs to its hook."""
    scopes = frozenset({Scope.READ, Scope.WRITE})
    return Caller(f"hook of {repo.id}", f"hook of {repo.full_name}", f"hook of {repo.id}", scopes, frozenset({repo.id}))
