"""Names of fields whose values are secret, told by the words of the name: `apiKey` is, `inputTokens` isn't."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

MAX_NAME_CHARACTERS = 100  # what is longer is no name but a text, and is treated as one


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = _words(
    "authorization password passwords passwd passphrase secret secrets token cookie cookies "
    "credential credentials apikey apikeys apitoken accesstoken authtoken bearer jwt setcookie"
)
_KEY_KINDS = ("api", "private", "access", "signing", "encryption", "auth", "ssh", "deploy", "master")
_SECRET_PAIRS = frozenset(
    {(kind, noun) for kind in _KEY_KINDS for noun in ("key", "keys")}
    | {(kind, "tokens") for kind in ("access", "refresh", "auth", "api", "bearer")}
)
# A name that ends so speaks *about* a secret or counts tokens: `token_count`, `passwordRequired`, `cookie_policy`.
_DESCRIPTIONS = _words(
    "count counts total limit limits budget usage used left length size type kind name names id ids index "
    "required present set valid enabled at expiry expires expiration ttl seconds ms url uri endpoint policy "
    "scope scopes prefix hash mode per cost price rate"
)
_QUANTITIES = _words("max min num number total count n price cost")  # `max_token`, `numToken`


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret. Camel, snake and kebab case are all understood."""
    if len(name) > MAX_NAME_CHARACTERS:
        return False
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _DESCRIPTIONS or words[0] in _QUANTITIES:
        return False
    return any(word in _SECRET_WORDS for word in words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))
