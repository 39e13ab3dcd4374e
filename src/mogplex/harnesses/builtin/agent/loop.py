"""The story: ask the model, do what it calls for, until it ends its turn by itself or something ends it."""

from __future__ import annotations

import json
import os

from . import instructions
from .conversation import Answer, Call, Conversation, Output, Words
from .fault import ModelFault
from .model import Model
from .records import Records
from .schema import find_faults
from .task import Task
from .toolbox import FINISH, OUTPUT_CHARACTERS, TOOLS, Toolbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_ANSWERS = 1000  # a fence for runs without any budget
MAX_MALFORMED = 5  # answers in a row in which no tool call could be read
PROMPT_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "system_prompt.md")
EMPTY = "Your answer was empty. Go on with the task, or end your turn with a text that says what you did."
NO_RESULT = f"The task asks for a structured result. Call {FINISH} with it."
TRUNCATED = "The model's answer reached its limit of output tokens, so it is not whole."


class Failed(Exception):
    """The run is over without success; the message says why."""


class Loop:
    """One conversation about one task."""

    def __init__(self, task: Task, records: Records) -> None:
        self._task = task
        self._records = records
        self._model = Model(task, records)
        window = task.context_tokens
        characters = OUTPUT_CHARACTERS if window is None else max(2000, min(OUTPUT_CHARACTERS, window // 2))
        self._toolbox = Toolbox(records, characters)
        tools = [*TOOLS, *([_finish_tool(task.output_schema)] if task.output_schema else [])]
        self._conversation = Conversation(_system(task), window, tools)
        self._conversation.parts.append(Words(task.prompt))
        self._malformed = 0
        self._was_empty = False
        self._asked_for_result = False
        self._over = False
        self.last_text = ""

    def run(self) -> None:
        """Until the last record is written. Raises nothing but KeyboardInterrupt."""
        try:
            for _ in range(MAX_ANSWERS):
                self._take(self._ask())
                if self._over:
                    return
            raise Failed(f"The model gave {MAX_ANSWERS:,} answers without an end.")
        except Failed as failure:
            self._records.end(False, self.last_text, str(failure))

    def stop(self) -> None:
        """End what a tool still runs."""
        self._toolbox.shell.stop()

    def _ask(self) -> Answer:
        conversation = self._conversation
        try:
            dropped = conversation.fit()
            if dropped:
                self._records.progress(f"dropped {dropped} old outputs to stay inside the window", dropped=dropped)
            answer = self._model.ask(conversation)
        except ModelFault as fault:
            raise Failed(f"The model could not be asked: {fault.message}") from fault
        except ValueError as fault:
            raise Failed(str(fault)) from fault
        conversation.learn(answer.input_tokens)
        return answer

    def _take(self, answer: Answer) -> None:
        """Record an answer, do its calls and add their outputs, or end."""
        if answer.reasoning:
            self._records.reasoning(answer.reasoning)
        if answer.text.strip():
            self._records.message(answer.text)
            self.last_text = answer.text
        if answer.stop == "refusal":
            raise Failed(f"The model refused: {answer.text.strip() or 'it gave no reason'}")
        if answer.stop == "limit":
            raise Failed(TRUNCATED)
        self._conversation.parts.append(answer)
        if answer.calls:
            self._was_empty = False
            self._use(answer.calls)
        elif answer.text.strip():
            self._end_turn(answer.text)
        elif self._was_empty:
            raise Failed("The model gave empty answers.")
        else:
            self._was_empty = True
            self._conversation.parts.append(Words(EMPTY))

    def _use(self, calls: list[Call]) -> None:
        malformed = 0
        for call in calls:
            if self._over:
                return  # what was called for after the end is not done
            if call.name == FINISH and self._task.output_schema is not None:
                malformed += self._finish(call)
            else:
                done = self._toolbox.use(call)
                self._conversation.parts.append(Output(call, done.text, done.ok))
                malformed += done.malformed
        self._malformed = self._malformed + 1 if malformed == len(calls) else 0
        if self._malformed >= MAX_MALFORMED and not self._over:
            last = self._conversation.parts[-1]
            raise Failed(f"The model's tool calls were malformed {MAX_MALFORMED} times in a row; at last: {last.text}")

    def _end_turn(self, text: str) -> None:
        """The model ended its turn by itself; where a result is asked for, it must be there."""
        schema = self._task.output_schema
        if schema is None:
            self._end(text, None)
            return
        result = _find_json(text)
        if result is not None and not find_faults(result, schema):
            self._end(text, result)
        elif self._asked_for_result:
            self._end(text, result)  # whether it will do is for the worker to say
        else:
            self._asked_for_result = True
            self._conversation.parts.append(Words(NO_RESULT))

    def _finish(self, call: Call) -> bool:
        """Take a structured result; a wrong one is sent back once. Gives whether the call could not be read."""
        self._records.call(call.id, FINISH, {}, FINISH)
        result: Any = None
        try:
            result = json.loads(call.arguments or "{}")
            faults = find_faults(result, self._task.output_schema)
        except (ValueError, RecursionError) as error:
            faults = [f"the arguments are no JSON: {error}"]
        told = "Wrong: " + "; ".join(faults) + f". Call {FINISH} again." if faults else "Taken."
        self._records.result(call.id, FINISH, not faults, told, None, 0.0)
        self._conversation.parts.append(Output(call, told, not faults))
        if not faults or self._asked_for_result:
            self._end(self.last_text, result if isinstance(result, dict) else None)
        self._asked_for_result = True
        return result is None

    def _end(self, summary: str, result: dict[str, Any] | None) -> None:
        self._over = True
        self._records.end(True, summary.strip(), None, result)


def _system(task: Task) -> str:
    with open(PROMPT_FILE, encoding="utf-8") as file:
        parts = [file.read().strip()]
    parts.append(f"Working directory: {task.directory}")
    if task.checks:
        listed = "\n".join(f"- `{check}`" for check in task.checks)
        parts.append(f"These commands will decide, on a clean checkout, whether the work is good:\n{listed}")
    if task.output_schema:
        parts.append(
            f"When the work is done, call {FINISH} with the result that the task asks for. That ends your turn."
        )
    own = instructions.find(task.directory)
    if own:
        parts.append(f"# The repository's instructions\n\n{own}")
    return "\n\n".join(parts)


def _finish_tool(schema: dict[str, Any]) -> dict[str, Any]:
    told = "Give the structured result of the task, and end your turn."
    return {"name": FINISH, "description": told, "parameters": {"type": "object", **schema}}


def _find_json(text: str) -> dict[str, Any] | None:
    """The object that a text consists of, or that stands in a fence in it."""
    inner = text.strip()
    if "```" in inner:
        inner = inner.split("```")[1].partition("\n")[2] if inner.count("```") >= 2 else inner
    try:
        found = json.loads(inner)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
