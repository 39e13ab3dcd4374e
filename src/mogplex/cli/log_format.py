"""The log of a process that stays: lines for people, or a JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

from mogplex.settings import Settings

TEXT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_CHATTY = ("alembic", "dbos", "uvicorn.error")  # how they start is nobody's news
# Our messages name what they are about; a program should not have to look for it in the text.
_NAMED = {
    "runId": re.compile(r"\brun_[0-9a-f]{24}\b"),
    "requestId": re.compile(r"\breq_[0-9a-f]{24}\b"),
    "scheduleId": re.compile(r"\bsch_[0-9a-f]{24}\b"),
    "attempt": re.compile(r"\battempt (\d+)\b"),
}


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, the ids that the message names, and a traceback when there is one."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        for name, pattern in _NAMED.items():
            found = pattern.search(message)
            if found is not None:
                line[name] = int(found[1]) if pattern.groups else found[0]
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def begin_logging(settings: Settings) -> None:
    """On stderr, as the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else logging.Formatter(TEXT_FORMAT))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    if settings.log_level != "debug":
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
