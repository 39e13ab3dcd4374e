"""Plays recorded answers again, in their order and without a provider, and says where requests differ."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from aiohttp import web

from mogplex.domain.event import EventDraft, EventType
from mogplex.domain.model import ModelProtocol
from mogplex.domain.model_call import CallFault, ModelCall
from mogplex.domain.ports import ModelEar
from mogplex.domain.recording import RecordedCall, compare_requests
from mogplex.domain.sanitiser import Sanitiser
from mogplex.domain.usage import Usage
from mogplex.gateway.provider import ModelPlan, OfferedModel, Price, Provider, Target
from mogplex.gateway.reading import Reading, describe_refusal
from mogplex.gateway.refusal import refuse
from mogplex.gateway.upstream import Question, elapsed_ms
from mogplex.service.recordings import clean_json

PROVIDER = "replay"


class Replay:
    """The recording of one run, played once."""

    def __init__(self, run_id: str, calls: Sequence[RecordedCall], sanitiser: Sanitiser, ear: ModelEar) -> None:
        self._run_id = run_id
        self._left = deque(calls)
        self._total = len(calls)
        self._sanitiser = sanitiser
        self._ear = ear
        self._played = self._different = 0

    def plan(self, protocols: Sequence[ModelProtocol]) -> ModelPlan:
        """The recorded model, at no place and for no money."""
        first = self._left[0]
        nothing = Price(Decimal(0), Decimal(0))
        models = {each.model: OfferedModel(each.model, nothing) for each in self._left}
        place = Provider(PROVIDER, tuple(ModelProtocol), "http://replay.invalid", key_needed=False, models=models)
        protocol = first.protocol if first.protocol in protocols else protocols[0]
        names = dict.fromkeys([first.model, *models])
        return ModelPlan(protocol, tuple(Target(place, name) for name in names))

    def take(self, question: Question) -> ReplayedExchange:
        """The next recorded answer, whatever was asked; what differs is told."""
        number = self._played + 1
        if not self._left:
            return ReplayedExchange(question, None, f"The recording of {self._run_id} has {self._total} calls only.")
        self._played = number
        recorded = self._left.popleft()
        now = clean_json(question.asked.body.decode("utf-8", "replace"), self._sanitiser)
        differences = compare_requests(recorded.request, now)
        if recorded.protocol is not question.route.protocol:
            differences.insert(0, f"the protocol is {question.route.protocol}, not {recorded.protocol}")
        if differences:
            self._different += 1
            self._tell(f"request {number} differs: {'; '.join(differences)}", number, differences)
        if recorded.withheld:
            return ReplayedExchange(question, None, f"The answer to call {number} was not kept: it spelt out a secret.")
        return ReplayedExchange(question, recorded)

    def sum_up(self) -> None:
        """Tell how much of the recording was played."""
        text = f"{self._played} of {self._total} recorded answers played; requests that differed: {self._different}"
        self._tell(text, None, [])

    def _tell(self, text: str, number: int | None, differences: list[str]) -> None:
        payload = {"stream": PROVIDER, "call": number, "differences": differences}
        self._ear.tell(EventDraft(EventType.LOG, text, payload=payload))


class ReplayedExchange:
    """Looks like an `Exchange`, but the answer is there already."""

    def __init__(self, question: Question, recorded: RecordedCall | None, missing: str = "") -> None:
        self._question = question
        self._recorded = recorded
        self._missing = missing
        self._started = time.monotonic()

    def answer(self) -> web.StreamResponse:
        recorded = self._recorded
        if recorded is None:
            return refuse(self._question.route.protocol, 400, "invalid_request_error", self._missing, retry=False)
        headers = {"Content-Type": recorded.content_type}
        return web.Response(status=recorded.status, body=recorded.answer, headers=headers)

    def as_call(self) -> ModelCall:
        recorded, fault, detail = self._recorded, None, self._missing
        usage, status = Usage(model_calls=1), 400
        if recorded is None:
            fault = CallFault.REFUSED
        elif recorded.status >= 300:
            fault, detail, status = CallFault.REFUSED, describe_refusal(recorded.answer), recorded.status
        else:
            usage, status = _usage_of(recorded, len(self._question.asked.body)), recorded.status
        return ModelCall(
            provider=PROVIDER,
            model=self._question.asked.model,
            protocol=self._question.route.protocol,
            usage=usage,
            cost_usd=0.0,  # nobody was paid
            duration_ms=elapsed_ms(self._started),
            http_status=status,
            fault=fault,
            detail=detail,
            streamed=self._question.asked.is_streamed,
        )


def _usage_of(recorded: RecordedCall, request_bytes: int) -> Usage:
    streamed = "event-stream" in recorded.content_type
    reading = Reading(recorded.protocol, streamed=streamed, request_bytes=request_bytes)
    reading.feed(recorded.answer)
    reading.close()
    return reading.usage()
