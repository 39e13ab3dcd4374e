"""What a secret looks like that nobody told us of.

Every pattern takes time in proportion to the text. Three rules keep it so: a pattern starts with fixed characters;
one that needs something *after* a run of any length may only start where such a run starts; runs are possessive
(of single characters only: Python 3.11 before .5 matches possessive groups wrongly).
No pattern asks for something to be absent after it, so that cutting a text can't make a new match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """`hints`: lower-case texts of which one must occur, so that most patterns cost one search. Group 1 is hidden."""

    name: str
    hints: tuple[str, ...]
    regex: re.Pattern[str]


def _pattern(name: str, hints: str, regex: str) -> Pattern:
    return Pattern(name, tuple(hints.split()), re.compile(regex))


_START = r"(?<![A-Za-z0-9])"
_TOKEN_START = r"(?<![A-Za-z0-9_-])"
_SCHEMES = r"(?i:bearer|basic|token|digest|negotiate)"
_NAMES = (
    r"(?:password|passwd|passphrase|secret|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|authorization"
    r"|(?:access|refresh|auth|id|session|bearer|csrf)[_-]?token|cookie)"
)
_VARIABLES = r"(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY|SECRET_KEY)"

PATTERNS: tuple[Pattern, ...] = (
    _pattern(
        "private key block",
        "-----begin",
        r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z))",
    ),
    # A scheme and a value with a digit, a sign or a capital in it: "basic understanding" is no secret.
    _pattern(
        "authorization scheme",
        "bearer basic",
        _START + r"(?i:bearer|basic)[ \t]{1,4}(?=[a-z._~-]*[A-Z0-9+/=])([A-Za-z0-9._~+/=-]{8,}+)",
    ),
    _pattern(
        "authorization header",
        "authorization",
        r"(?i:authorization)[\"']?\s{0,4}:\s{0,4}[\"']?(?:" + _SCHEMES + r"\s{1,4})?(?!" + _SCHEMES + r"\b)"
        r"([^\s\"',…]{6,}+)",
    ),
    _pattern("API key header", "x-api-key", r"(?i:x-api-key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?([^\s\"',…]{6,}+)"),
    _pattern("cookie header", "cookie:", r"(?i:cookie):[ \t]{0,4}([^\s=;…]{1,100}=[^\r\n…]++)"),
    _pattern("Mogplex key", "mog_", _START + r"(mog_[A-Za-z0-9]{16,}+)"),
    _pattern("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", _START + r"(gh[pousr]_[A-Za-z0-9_]{20,}+)"),
    _pattern("GitHub token", "github_pat_", _START + r"(github_pat_[A-Za-z0-9_]{20,}+)"),
    _pattern(
        "GitLab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- gloas-",
        _START + r"(gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[A-Za-z0-9_.-]{16,}+)",
    ),
    _pattern("AWS key id", "akia asia", _START + r"((?:AKIA|ASIA)[A-Z0-9]{16}[A-Za-z0-9]*+)"),
    _pattern(
        "AWS secret",
        "accesskey access_key access-key session_token sessiontoken",
        r"(?i:secret[_-]?access[_-]?key|session[_-]?token)[\"'\s:=>]{1,8}([A-Za-z0-9/+=]{16,}+)",
    ),
    _pattern("Slack token", "xox xapp-", _START + r"((?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}+)"),
    _pattern("Slack webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{16,}+)"),
    _pattern("npm token", "npm_", _START + r"(npm_[A-Za-z0-9]{30,}+)"),
    _pattern("package upload token", "pypi-", _START + r"(pypi-[A-Za-z0-9_-]{50,}+)"),
    _pattern("model provider key", "sk-", _TOKEN_START + r"(sk-(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{20,}+)"),
    _pattern("Stripe key", "k_live_ k_test_ whsec_", _START + r"((?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9+/=]{16,}+)"),
    _pattern("Google key", "aiza gocspx- ya29.", _START + r"((?:AIza|GOCSPX-|ya29\.)[A-Za-z0-9_-]{20,}+)"),
    _pattern("JSON web token", "eyj", _TOKEN_START + r"(eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+[A-Za-z0-9_.-]*+)"),
    _pattern("password in a URL", "://", r"://[^\s/?#:@\"'<>]*+:([^\s/?#\"'<>]+)@"),
    # What `env` and .env files print. A value that begins with $ is a reference, not a secret.
    _pattern(
        "environment variable",
        "token= secret= password= passwd= passphrase= credential= credentials= key=",
        _VARIABLES + r"=[\"']?(?!\$)([^\s\"'`;&|…]{6,}+)",
    ),
    _pattern(
        "member of a JSON text",
        "password passwd passphrase secret credential key token authorization cookie",
        r"(?i:" + _NAMES + r")\\{0,3}[\"']\s{0,4}[:=]\s{0,4}\\{0,3}[\"'](?![$\[])([^\"'\\\s…]{6,}+)",
    ),
)


def find_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of everything in `text` that looks like a secret; places may overlap."""
    lowered = text.lower()
    for pattern in PATTERNS:
        if any(hint in lowered for hint in pattern.hints):
            for match in pattern.regex.finditer(text):
                yield match.span(1)
