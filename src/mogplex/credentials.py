"""Which server and which key: flag, then environment, then `auth.json`."""

from __future__ import annotations

import json
import os
import stat
import zlib
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_URL = "http://127.0.0.1:7433"
URL_VARIABLE = "MOGPLEX_URL"
API_KEY_VARIABLE = "MOGPLEX_API_KEY"
HOME_VARIABLE = "MOGPLEX_HOME"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "mog_"
_RANDOM_CHARACTERS = 40
_CHECKSUM_CHARACTERS = 6


class CredentialsError(Exception):
    """There is no usable key, or `auth.json` can't be used. `remedy` is what to type."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class Credentials:
    """A server's URL and a key, where each came from, and a warning when the key's file is open to others."""

    __slots__ = ("api_key", "key_source", "url", "url_source", "warning")

    def __init__(
        self, url: str, url_source: str, api_key: str | None, key_source: str, warning: str | None = None
    ) -> None:
        self.url = url
        self.url_source = url_source
        self.api_key = api_key
        self.key_source = key_source
        self.warning = warning


def find_home() -> Path:
    """The folder of this user's settings."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path("~/.mogplex").expanduser()


def find_auth_file() -> Path:
    return find_home() / "auth.json"


def read_credentials(url_flag: str | None, key_flag: str | None) -> Credentials:
    """Flag > environment > auth.json > default. A blank value counts as absent. Raises CredentialsError."""
    given_url, url_source = _first((url_flag, "--url"), (os.environ.get(URL_VARIABLE), URL_VARIABLE))
    given_key, key_source = _first((key_flag, "--api-key"), (os.environ.get(API_KEY_VARIABLE), API_KEY_VARIABLE))
    stored: dict[str, Any] = {}
    if given_url is None or given_key is None:  # a broken file is no trouble for who doesn't need it
        stored = read_auth_file()
    url = given_url or stored.get("url") or DEFAULT_URL
    if given_url is None:
        url_source = str(find_auth_file()) if stored.get("url") else "the default"
    warning = None
    if given_key is None:
        given_key, key_source = stored.get("apiKey") or None, str(find_auth_file())
        warning = stored.get("warning")
    return Credentials(str(url), url_source, given_key, key_source, warning)


def require_key(credentials: Credentials) -> str:
    """The key, once it can't be a typo. Raises CredentialsError."""
    if not credentials.api_key:
        raise CredentialsError(
            f"no API key: none in --api-key, {API_KEY_VARIABLE} or {find_auth_file()}",
            "mogplex login   (or `mogplex serve` on this machine, which makes an admin key at its first start)",
        )
    if not key_checksum_ok(credentials.api_key):
        raise CredentialsError(
            f"the API key from {credentials.key_source} is not a whole Mogplex key"
            f" ({credentials.api_key[:8]}…, {len(credentials.api_key)} characters): a part is missing or mistyped",
            "mogplex login, with the key as `mogplex keys create` showed it",
        )
    return credentials.api_key


def key_checksum_ok(key: str) -> bool:
    """Whether `key` is `mog_`, 40 base62 characters and the CRC32 of all these as 6 base62 characters."""
    body, checksum = key[:-_CHECKSUM_CHARACTERS], key[-_CHECKSUM_CHARACTERS:]
    if not body.startswith(_PREFIX) or len(body) != len(_PREFIX) + _RANDOM_CHARACTERS:
        return False
    if any(character not in _ALPHABET for character in body[len(_PREFIX) :]):
        return False
    return checksum == _encode_base62(zlib.crc32(body.encode("ascii")))


def _encode_base62(number: int) -> str:
    digits = ""
    for _ in range(_CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def save_credentials(url: str, api_key: str) -> Path:
    """Write `auth.json` (0600) in one step: a reader never sees half of it. Returns its path.

    A folder that we make is for its owner alone (0700); one that was there stays as it is, since a server that runs as
    root may have its work in it, which another user has to reach.
    """
    path = find_auth_file()
    temporary = path.with_name(f"auth.json.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"url": url, "apiKey": api_key}, file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(descriptor)
            temporary.replace(path)
        except BaseException:  # whatever stopped us: no half-written secret may stay behind
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        remedy = f"set {HOME_VARIABLE} to a folder of yours"
        raise CredentialsError(f"can't write {path}: {error.strerror}", remedy) from error
    return path


def read_auth_file() -> dict[str, Any]:
    path = find_auth_file()
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            stored = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not valid JSON"
        raise CredentialsError(f"can't read {path}: {reason}", "mogplex login   (writes it anew)") from error
    if not isinstance(stored, dict):
        raise CredentialsError(f"{path} holds no JSON object", "mogplex login   (writes it anew)")
    # Only a warning: a container's mounted secret can't always be made private.
    stored["warning"] = f"{path} holds a secret and others may read it: chmod 600 {path}" if mode & 0o077 else None
    return stored


def _first(*choices: tuple[str | None, str]) -> tuple[str | None, str]:
    for value, source in choices:
        if value and value.strip():
            return value.strip(), source
    return None, ""
