from __future__ import annotations

import base64
import json
import string
import time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mogplex.domain.access import generate_key
from mogplex.domain.redact import MAX_PAYLOAD_BYTES, Redactor, cut_text
from mogplex.domain.secret_name import is_secret_name
from mogplex.domain.secret_shape import MARK, is_plain, shapes_of

SECRET = 'tr0ub4dor & "three"/söhne'
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nq9Zk+/==\n-----END RSA PRIVATE KEY-----"


def encodings(secret: str, before: str = "", after: str = "") -> dict[str, str]:
    """Texts as programs print them, made without the code under test."""
    raw = (before + secret + after).encode()
    return {
        "raw": before + secret + after,
        "base64": base64.b64encode(raw).decode(),
        "base64, URL-safe": base64.urlsafe_b64encode(raw).decode(),
        "percent": quote(secret, safe=""),
        "percent, lower": "".join(c if c.isalnum() and c.isascii() else quote(c, safe="").lower() for c in secret),
        "form": quote_plus(secret),
        "JSON": json.dumps({"note": before + secret}),
        "JSON, Unicode": json.dumps({"note": before + secret}, ensure_ascii=False),
        "JSON in JSON": json.dumps(json.dumps({"note": secret})),
        "hex": secret.encode().hex(),
        "HEX": secret.encode().hex().upper(),
        "backwards": secret[::-1],
    }


class TestKnownSecrets:
    @pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
    @pytest.mark.parametrize("after", ["", "z", "zz"])
    def test_no_encoding_of_a_known_secret_is_shown(self, before: str, after: str) -> None:
        redactor = Redactor([SECRET])
        for name, text in encodings(SECRET, before, after).items():
            shown = redactor.text(f"<{text}>")
            assert MARK in shown, name
            assert text not in shown, name
            assert len(shown) < len(MARK) + 24, name  # at most the other bytes and the characters shared with them

    def test_secrets_that_overlap_leave_no_rest(self) -> None:
        assert Redactor(["abcdef", "defghi"]).text("abcdefghi") == MARK

    def test_a_longer_secret_hides_whole_when_a_shorter_is_part_of_it(self) -> None:
        assert Redactor(["hunter2", "hunter2-and-more"]).text("x hunter2-and-more y") == f"x {MARK} y"

    def test_lines_of_a_secret_are_hidden_one_by_one(self) -> None:
        key = "-----BEGIN X-----\nMIIEowIBAAKCAQEAq9Zk\nU29tZXRoaW5nRWxzZQAA\n-----END X-----"
        redactor = Redactor([key])
        assert redactor.text("log: MIIEowIBAAKCAQEAq9Zk") == f"log: {MARK}"
        assert redactor.text(key) == MARK

    @pytest.mark.parametrize(
        "value", ["", "      ", "abc", "12345", "true", "Production", "localhost", "[redacted]", "edacte"]
    )
    def test_plain_values_are_not_hunted(self, value: str) -> None:
        text = f"it is true that abc 12345 runs on localhost in Production {value}"
        assert Redactor([value]).text(text) == text

    def test_a_secret_made_of_parts_of_the_mark_ends(self) -> None:
        assert "]abcd[" not in Redactor(["KEYKEY", "]abcd["]).text("KEYKEYabcdKEYKEY")

    def test_more_secrets_make_another_redactor(self) -> None:
        first = Redactor(["first-secret"])
        both = first.with_secrets(["second-secret"])
        assert both.text("first-secret second-secret") == f"{MARK} {MARK}"
        assert first.text("second-secret") == "second-secret"


# Put together here, so that no scanner takes this file for a leak.
LOOKALIKES = {
    "bearer": ("Bearer ", "abcdef123456"),
    "basic": ("Basic ", "dXNlcjpwYXNz"),
    "authorization header": ("Authorization: token ", "deadbeefcafe"),
    "authorization of curl": ("curl -H 'authorization: ", "s3cret-value"),
    "API key header": ("x-api-key: ", "abcdefgh"),
    "cookie": ("Set-Cookie: ", "sid=abc; HttpOnly"),
    "mogplex": ("", generate_key()),
    "github classic": ("", "ghp" + "_" + "a1B2" * 9),
    "github fine": ("", "github" + "_pat_" + "a1B2" * 9),
    "gitlab": ("", "glpat" + "-" + "a1B2c3D4e5F6g7H8i9J0"),
    "aws id": ("", "AKIA" + "IOSFODNN7EXAMPLE"),
    "aws temporary id": ("", "ASIA" + "IOSFODNN7EXAMPLE"),
    "aws secret": ("aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    "slack": ("", "xoxb" + "-123456789012-abcdefghij"),
    "npm": ("", "npm" + "_" + "a1B2" * 9),
    "openai": ("", "sk" + "-proj-" + "a1B2" * 9),
    "anthropic": ("", "sk" + "-ant-api03-" + "a1B2" * 9),
    "stripe": ("", "sk" + "_live_" + "a1B2" * 6),
    "google": ("", "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"),
    "jwt": ("", "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcDEF_-1"),
    "private key": ("", PRIVATE_KEY),
    "private key cut off": ("", PRIVATE_KEY[:60]),
    "password in a URL": ("https://bob:", "s3cr3t"),
    "database URL": ("postgresql+psycopg://bob:", "p%40ss!word"),
    "environment": ("DB_PASSWORD=", "correct-horse"),
    "environment, quoted": ('export MY_API_KEY="', "abcdef123"),
    "JSON text": ('{"client_secret": "', "abcdef123"),
    "JSON in JSON": ('{\\"apiKey\\": \\"', "abcdef123"),
}


class TestLookalikes:
    @pytest.mark.parametrize("name", LOOKALIKES)
    @pytest.mark.parametrize("before", ["", "see ", "x=", '"', "\n"])
    def test_hidden(self, name: str, before: str) -> None:
        prefix, value = LOOKALIKES[name]
        after = "@host/path" if "URL" in name else ""
        shown = Redactor().text(before + prefix + value + after)
        assert value not in shown
        assert shown == before + prefix + MARK + after

    @pytest.mark.parametrize(
        "text",
        [
            "basic understanding of bearer tokens",
            "input_tokens=1234567 and max_tokens=4096",
            "see https://github.com/owner/name.git and git@github.com:owner/name.git",
            "http://127.0.0.1:8081/v1/responses",
            "class='sk-fading-circle-container task-force-of-many-words'",
            "commit e83c5163316f89bfbde7d9ab23ca2e25604af290",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "TOKEN=$GITHUB_TOKEN and PASSWORD=${PASSWORD}",
            "def token(self, password: str) -> Secret: return self.secret(token)",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "npm_config_registry and mog_abc12345",
            "tests/test_token.py::test_secret FAILED",
            'the key "authorization" is in ["token", "secret"]',
        ],
    )
    def test_ordinary_text_stays(self, text: str) -> None:
        assert Redactor(["some-known-secret"]).text(text) == text


SECRET_NAMES = """
password Password DB_PASSWORD api_key apiKey APIKey X-Api-Key OPENAI_API_KEY authorization Authorization cookie
Set-Cookie token accessToken access_token refresh-token clientSecret secrets credentials privateKey jwt access_tokens
AWS_SECRET_ACCESS_KEY sshKey
"""
OTHER_NAMES = """
tokens inputTokens input_tokens max_tokens maxTokens max_token token_count tokenCount tokenLimit cacheReadTokens
tokenizer secretary passwordRequired cookie_policy token_type key keys keyboard publicKey monkey author
total_token_usage description path message costPerToken
"""


class TestNames:
    @pytest.mark.parametrize("name", SECRET_NAMES.split())
    def test_secret(self, name: str) -> None:
        assert is_secret_name(name)

    @pytest.mark.parametrize("name", OTHER_NAMES.split())
    def test_not_secret(self, name: str) -> None:
        assert not is_secret_name(name)

    def test_a_whole_branch_under_a_secret_name_is_hidden_and_keeps_its_shape(self) -> None:
        value = {"credentials": {"user": "bob", "tries": 3, "old": ["a", "", None, True]}, "usage": {"tokens": 5}}
        assert Redactor().payload(value) == {
            "credentials": {"user": MARK, "tries": 3, "old": [MARK, "", None, True]},
            "usage": {"tokens": 5},
        }

    def test_keys_are_redacted_too_and_none_is_lost(self) -> None:
        redactor = Redactor(["first-secret", "second-secret"])
        assert redactor.payload({"first-secret": 1, "second-secret": 2}) == {MARK: 1, f"{MARK} 2": 2}


class TestSizes:
    def test_a_long_text_says_how_much_is_missing(self) -> None:
        shown = Redactor().text("a" * 20_000)
        kept = shown.index("…")
        assert shown[kept:] == f"…[{20_000 - kept:,} characters left out]"
        assert len(shown.encode()) <= 8192

    def test_the_limit_counts_bytes_and_cuts_no_character(self) -> None:
        shown = Redactor().text("é" * 5000)
        assert len(shown.encode()) <= 8192
        assert shown.startswith("é" * 4000)

    def test_a_secret_across_the_cut_leaves_no_half(self) -> None:
        for padding in range(8100, 8200):
            assert "hunter" not in Redactor(["hunter2-very-secret"]).text("a" * padding + "hunter2-very-secret" * 3)

    def test_no_half_of_a_mark(self) -> None:
        for limit in range(40, 80):
            shown = cut_text(f"0123456789{MARK}" * 9, limit)
            assert "…" in shown
            assert "[" not in shown.replace(MARK, "").split("…")[0]
            assert len(shown.encode()) <= limit

    def test_a_tiny_limit(self) -> None:
        assert cut_text("abcdef", 3) == "abc"

    def test_items(self) -> None:
        shown = Redactor().payload({"list": list(range(117)), "map": {str(n): n for n in range(101)}})
        assert len(shown["list"]) == 100
        assert shown["list"][-1] == "…[18 more items left out]"
        assert len(shown["map"]) == 100
        assert shown["map"]["…"] == "2 more items"

    def test_depth(self) -> None:
        value: Any = "bottom"
        for _ in range(10_000):  # far beyond what the interpreter could recurse into
            value = [value]
        shown = Redactor().payload(value)
        assert json.dumps(shown) == json.dumps([[[[[["…[list with 1 item left out]"]]]]]], ensure_ascii=True)

    def test_what_refers_to_itself_ends(self) -> None:
        ring: dict[str, Any] = {}
        ring["self"] = [ring] * 90
        assert len(json.dumps(Redactor().payload(ring))) <= MAX_PAYLOAD_BYTES

    def test_a_large_payload_is_made_to_fit(self) -> None:
        value = {f"key {n}": {"text": "x" * 5000, "list": ["y" * 3000] * 50} for n in range(90)}
        shown = Redactor().payload(value)
        assert 1000 < len(json.dumps(shown, ensure_ascii=False).encode()) <= MAX_PAYLOAD_BYTES
        assert "left out" in json.dumps(shown)

    def test_values_outside_json(self) -> None:
        value = {
            1: float("nan"),
            None: float("-inf"),
            False: b"bytes",
            "o": object(),
            "n": 10**5000,
            "s": "a\x00\ud800b",
        }
        assert Redactor().payload(value) == {
            "1": "nan", "null": "-inf", "false": "bytes", "o": "[object]",
            "n": f"…[number of {(10**5000).bit_length():,} bits left out]", "s": "a\ufffd\ufffdb",
        }  # fmt: skip

    def test_scalars_are_unharmed(self) -> None:
        for value in (0, 1, -5, 1.5, True, False, None, 2**70):
            shown = Redactor().payload({"token": value})["token"]
            assert shown == value
            assert type(shown) is type(value)


ADVERSARIES = [
    "eyJ", "eyJ.", "eyJaaaaaaaa.", "bearer ", "Bearer a", "://:", "://", "a://b:", "-----BEGIN PRIVATE KEY-----", "-",
    "AKIA", "cookie:", "cookie:a=", 'password":"', "password'\\", "TOKEN=", "authorization:", "authorization:bearer ",
    "gh", "sk-", "A", "sk-a-", "session_token", "secret_access_key=", "hunter2-very-secre", "aaaaaaaaaaab",
    "[redacted]", "[redact", "hunter2-very-secret", "\x00", "\ud800", "%6", "glpat-", "xoxb-", "npm_", "AIza",
]  # fmt: skip


@pytest.mark.parametrize("part", ADVERSARIES)
def test_time_grows_with_the_text_and_no_faster(part: str) -> None:
    text = (part * (1_000_000 // len(part) + 1))[:1_000_000]
    started = time.monotonic()
    Redactor(["hunter2-very-secret", "aaaaaaaaaaaaaaaaaaaaaaaaaa"]).text(text)
    assert time.monotonic() - started < 20  # usually 0.1 s; what is quadratic here takes hours


# --- properties ------------------------------------------------------------------------------------------------

SECRETS = st.text(min_size=6, max_size=40).filter(lambda value: not is_plain(value.strip()) and value.isprintable())
FRAGMENTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([*ADVERSARIES, *(prefix + value for prefix, value in LOOKALIKES.values()), MARK, "…", " ", "\n"]),
    st.text(string.ascii_letters + string.digits, min_size=20, max_size=60),
)
TEXTS = st.lists(FRAGMENTS, max_size=8).map("".join)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
NAMES = st.one_of(TEXTS, st.sampled_from(["password", "token", "inputTokens", "…", "secrets", "apiKey"]))


def payloads_of(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(NAMES, inner, max_size=6)),
        max_leaves=20,
    )


@given(secret=SECRETS, data=st.data())
def test_no_known_secret_survives_in_any_shape(secret: str, data: st.DataObject) -> None:
    redactor = Redactor([secret])
    shapes = [*shapes_of([secret]), *encodings(secret).values()]
    leaves = st.one_of(SCALARS, st.tuples(TEXTS, st.sampled_from(shapes), TEXTS).map("".join))
    shown = json.dumps(redactor.payload(data.draw(payloads_of(leaves))), ensure_ascii=False)
    assert not [shape for shape in (secret, *encodings(secret).values()) if shape in shown and shape.strip() == shape]


@given(text=TEXTS, secrets=st.lists(SECRETS, max_size=3), limit=st.sampled_from([40, 100, 8192]))
@settings(max_examples=300)
def test_redacting_a_text_twice_changes_nothing(text: str, secrets: list[str], limit: int) -> None:
    redactor = Redactor(secrets)
    once = redactor.text(text, limit)
    assert redactor.text(once, limit) == once
    assert len(once.encode()) <= limit
    assert "\x00" not in once


@given(value=payloads_of(SCALARS), secrets=st.lists(SECRETS, max_size=2))
def test_redacting_a_payload_twice_changes_nothing(value: Any, secrets: list[str]) -> None:
    redactor = Redactor(secrets)
    once = redactor.payload(value)
    assert redactor.payload(once) == once
    assert json.loads(json.dumps(once, allow_nan=False)) == once


@given(width=st.integers(1, 250), length=st.integers(0, 20_000), depth=st.integers(1, 9), hidden=st.booleans())
@settings(max_examples=30)
def test_cutting_a_large_payload_twice_changes_nothing(width: int, length: int, depth: int, hidden: bool) -> None:
    value: Any = "x" * length
    for level in range(depth):
        value = [value] * min(width, 120) if level == 0 else {"secrets" if hidden else "k": value, "n": level}
    once = Redactor().payload({str(n): value for n in range(width)})
    assert Redactor().payload(once) == once
    assert len(json.dumps(once, ensure_ascii=False).encode()) <= MAX_PAYLOAD_BYTES
