"""JSON Schemas of request bodies, for the OpenAPI document. The readers decide; tests hold the two together."""

from __future__ import annotations

from typing import Any

from mogplex.domain.access import Scope
from mogplex.domain.body_reader import MAX_TEXT_CHARACTERS
from mogplex.domain.contest import MOST_CONTENDERS, ContestMode
from mogplex.domain.fields import MAX_COMMANDS
from mogplex.domain.forge_body import FORGE, HOOKS
from mogplex.domain.mode import Mode
from mogplex.domain.request import MAX_PROMPT_CHARACTERS, MAX_TIMEOUT_SECONDS, PRIORITIES
from mogplex.domain.run import CheckPolicy, Delivery
from mogplex.domain.schedule import Overlap
from mogplex.domain.seating import MAX_CONCURRENCY
from mogplex.domain.secret import MAX_VALUE_CHARACTERS, Phase
from mogplex.domain.webhook_bodies import WEBHOOK_CHANGE, WEBHOOK_REQUEST
from mogplex.domain.worker import MOST_LABELS

Schema = dict[str, Any]


def _text(description: str, most: int = MAX_TEXT_CHARACTERS) -> Schema:
    return {"type": ["string", "null"], "maxLength": most, "description": description}


def _texts(description: str) -> Schema:
    return {"type": ["array", "null"], "items": {"type": "string"}, "description": description}


def _pairs(description: str, name_pattern: str, most: int, longest: int) -> Schema:
    return {
        "type": ["object", "null"],
        "maxProperties": most,
        "propertyNames": {"pattern": name_pattern},
        "additionalProperties": {"type": "string", "maxLength": longest},
        "description": description,
    }


def _timeout(description: str) -> Schema:
    return {"type": ["number", "null"], "minimum": 1, "maximum": MAX_TIMEOUT_SECONDS, "description": description}


_VARIABLE = "^[A-Za-z_][A-Za-z0-9_]*$"
_LABEL = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$"
_WORKER_LABEL = "^[a-z0-9][a-z0-9._/-]{0,62}$"
_PYTHON = "^3\\.[0-9]{1,2}$"
_FULL_NAME = "^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$"

_POLICY = "What is asked of checks: that they pass, or that none becomes worse than on the base."
_PROTECT = "Whose tests decide when a run changes some: true the base's, false the run's; left out, both must agree."

_COMMANDS: Schema = {
    "type": ["array", "null"],
    "maxItems": MAX_COMMANDS,
    "items": {"type": "string", "minLength": 1, "maxLength": 4096},
}

BUDGET: Schema = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "description": "Limits of the run; reaching one ends it as `budget_exceeded`.",
    "properties": {
        "usd": {"type": ["number", "null"], "exclusiveMinimum": 0, "description": "US dollars, estimated."},
        "tokens": {"type": ["integer", "null"], "minimum": 1},
        "modelCalls": {"type": ["integer", "null"], "minimum": 1},
        "toolCalls": {"type": ["integer", "null"], "minimum": 1},
    },
}

RUN_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["repoId", "prompt"],
    "properties": {
        "repoId": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_TEXT_CHARACTERS,
            "description": "A repo's id, or owner/name when that is unambiguous.",
        },
        "prompt": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_PROMPT_CHARACTERS,
            "description": "What to do, in plain words.",
        },
        "harness": _text("Which harness drives the work; left out, the repo's or the server's choice."),
        "model": _text("Which model the harness should use."),
        "mode": {"enum": [*Mode, None], "description": "`repair-first`: `repair` tries before a model is asked."},
        "title": _text("A short name for lists; left out, the first line of the prompt."),
        "baseBranch": _text("Where the work starts; left out, the repo's default branch.", 244),
        "workingBranch": _text("Where the result goes; left out, the base branch or a generated name.", 244),
        "createBranch": {"type": ["boolean", "null"], "description": "Make `workingBranch` new."},
        "commit": {
            "type": ["string", "null"],
            "pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$",
            "description": "Start at exactly this commit.",
        },
        "rootDirectory": _text("Folder in the repo to work in, relative; `.` is the root.", 1024),
        "delivery": {"enum": [*Delivery, None], "description": "What happens with the result."},
        "attempts": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": MOST_CONTENDERS,
            "description": "Best of so many: each contender is a run of its own, and the best one's work is delivered.",
        },
        "attemptsMode": {"enum": [*ContestMode, None], "description": "One after another, or side by side."},
        "harnesses": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1, "maxLength": 100},
            "minItems": 1,
            "maxItems": MOST_CONTENDERS,
            "description": "The harnesses of the contenders; with more attempts than names they are taken in turn.",
        },
        "deliverPartial": {
            "type": ["boolean", "null"],
            "description": "Push what was done even when the run fails, in a commit that says so.",
        },
        "notify": _text("URL that is told of the ending, once, as webhooks are; if the server lets callers.", 2000),
        "supersede": {"type": ["boolean", "null"], "description": "Cancel older runs of the same repo and branch."},
        "checks": {**_COMMANDS, "description": "Commands that decide whether the work is good."},
        "checkPolicy": {"enum": [*CheckPolicy, None], "description": _POLICY},
        "protectTests": {"type": ["boolean", "null"], "description": _PROTECT},
        "outputSchema": {"type": ["object", "null"], "description": "JSON Schema of a structured result, ≤ 64 KiB."},
        "timeoutSeconds": _timeout("Wall clock of the run."),
        "budget": BUDGET,
        "labels": _pairs("Names and values of your own, to find the run again.", _LABEL, 64, 200),
        "env": _pairs("Variables for the harness and the checks. Never shown again.", _VARIABLE, 100, 8192),
        "priority": {"type": ["integer", "null"], "minimum": PRIORITIES[0], "maximum": PRIORITIES[-1]},
        "needs": {
            "type": ["array", "null"],
            "minItems": 1,
            "maxItems": MOST_LABELS,
            "items": {"type": "string", "pattern": _WORKER_LABEL},
            "description": "Labels that the worker must have, such as `gpu`.",
        },
        "record": {
            "type": ["boolean", "null"],
            "description": "Keep the model traffic, without secrets, for a replay.",
        },
        "replayOf": _text("A recorded run of the same repo whose model answers are played again; no model is asked."),
        "conversationId": _text("Your own name for a conversation; kept and shown, not interpreted."),
        "workspaceSessionId": _text("Your own name for a session; kept and shown, not interpreted."),
    },
}

RETRY_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "description": "What the new run does differently; everything else is as in the retried one.",
    "properties": {
        **{name: RUN_REQUEST["properties"][name] for name in ("budget", "timeoutSeconds", "model", "harness")},
        "resume": {
            "type": ["boolean", "null"],
            "description": "Go on from the work that was kept, and from the conversation where the harness has one.",
        },
    },
}

_REPO_SETTINGS: dict[str, Schema] = {
    "name": {**_text("owner/name; left out, found out from the clone URL."), "pattern": _FULL_NAME},
    "defaultBranch": _text("Base branch of runs that name none; left out, the remote's.", 244),
    "rootDirectory": _text("Folder to work in, relative.", 1024),
    "setup": {**_COMMANDS, "description": "Commands that install what runs need; empty: found from the files."},
    "python": {**_text("Python of setup, harness and checks; left out, the sandbox's."), "pattern": _PYTHON},
    "checks": {**_COMMANDS, "description": "Commands that decide whether work is good."},
    "checkPolicy": {"enum": [*CheckPolicy, None], "description": _POLICY},
    "checkFiles": _texts("Patterns of further files that checks depend on; `!` before one takes files out."),
    "protectTests": {"type": ["boolean", "null"], "description": _PROTECT},
    "image": _text("Container image of its sandboxes, where the server makes containers.", 255),
    "env": _pairs("Environment variables for runs. Only their names are shown again.", _VARIABLE, 100, 8192),
    "allowHosts": _texts("Hosts that sandboxes may reach."),
    "pushBranches": _texts("Patterns of existing branches that runs may push to."),
    "harness": _text("Harness of runs that name none."),
    "budget": BUDGET,
    "timeoutSeconds": _timeout("Wall clock of runs that name none."),
    "forge": FORGE,
    "concurrency": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MAX_CONCURRENCY,
        "description": "How many of its runs execute at once.",
    },
    "hooks": HOOKS,
}

REPO_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["cloneUrl"],
    "properties": {
        "cloneUrl": {"type": "string", "minLength": 1, "description": "A URL, or an absolute path on the server."},
        "gitCredential": _text(
            "Shown to the remote: a token, `user:token`, ssh key or GitHub App. Kept as the secret `GIT_CREDENTIAL`.",
            MAX_VALUE_CHARACTERS,
        ),
        **_REPO_SETTINGS,
    },
}

SECRET_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["value", "phases"],
    "properties": {
        "value": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_VALUE_CHARACTERS,
            "description": "Never told again.",
        },
        "phases": {
            "type": "array",
            "items": {"enum": list(Phase)},
            "minItems": 1,
            "description": "Who gets it: setup, agent, checks in their sandboxes; or `git`, `forge` or `hook` alone.",
        },
    },
}

REPO_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "description": "Only what is given changes; null puts a setting back to its default.",
    "properties": _REPO_SETTINGS,
}

KEY_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_CHARACTERS},
        "scopes": {
            "type": ["array", "null"],
            "items": {"enum": list(Scope)},
            "minItems": 1,
            "description": "What the key may do; left out, read and write.",
        },
        "repos": {
            **_texts("Ids or names of the only repos the key may see; left out, all."),
            "minItems": 1,
            "maxItems": 100,
        },
        "expiresAt": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "ISO-8601 with a zone; left out, never.",
        },
        "owner": _text("Whose quota the key's starts count against; left out, the caller's owner."),
    },
}

_SCHEDULE_FIELDS: dict[str, Schema] = {
    "name": {**_text("Its name in lists; left out, the first line of the prompt.", 100), "minLength": 1},
    "cron": {"type": "string", "description": "Five fields, as in `0 12 * * 1` for Mondays at noon."},
    "timeZone": _text("Whose clock the cron line means, as in Europe/Berlin; left out, UTC.", 60),
    "overlap": {"enum": [*Overlap, None], "description": "At a tick while its last run goes on; left out, skip."},
    "catchUp": {"type": ["boolean", "null"], "description": "Start the newest tick that was missed, late."},
    "alarmAfter": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 1000,
        "description": "Alarm after so many failed or unchanging runs in a row; left out, 3.",
    },
    "run": {
        **RUN_REQUEST,
        "required": ["prompt"],
        "properties": {name: each for name, each in RUN_REQUEST["properties"].items() if name != "repoId"},
        "description": "What `POST /runs` takes, without `repoId`.",
    },
}
SCHEDULE_REQUEST: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["repoId", "cron", "run"],
    "properties": {"repoId": RUN_REQUEST["properties"]["repoId"], **_SCHEDULE_FIELDS},
}
SCHEDULE_CHANGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "description": "Only what is given changes.",
    "properties": _SCHEDULE_FIELDS,
}

BODIES: dict[str, Schema] = {
    "RunRequest": RUN_REQUEST,
    "RetryRequest": RETRY_REQUEST,
    "RepoRequest": REPO_REQUEST,
    "RepoChange": REPO_CHANGE,
    "SecretRequest": SECRET_REQUEST,
    "KeyRequest": KEY_REQUEST,
    "WebhookRequest": WEBHOOK_REQUEST,
    "WebhookChange": WEBHOOK_CHANGE,
    "ScheduleRequest": SCHEDULE_REQUEST,
    "ScheduleChange": SCHEDULE_CHANGE,
}
