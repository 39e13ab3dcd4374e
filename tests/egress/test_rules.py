"""Which hosts and addresses may be asked for: the rules by themselves."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.egress.address import Reach, Refused, Unresolved, find_address_fault, is_own, resolve
from mogplex.egress.allowlist import AllowList
from mogplex.egress.authority import Authority, BadAuthority, read_authority

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


# --- names and ports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("Example.ORG:443", "example.org", 443),
        ("example.org.:80", "example.org", 80),
        ("192.0.2.7:8080", "192.0.2.7", 8080),
        ("[2001:DB8:0:0::1]:443", "2001:db8::1", 443),
        ("a_b.example.org:1", "a_b.example.org", 1),
    ],
)
def test_there_is_one_form_of_each(text: str, host: str, port: int) -> None:
    assert read_authority(text) == Authority(host, port)


@pytest.mark.parametrize(
    "text",
    [
        *["", ":80", "example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:+80"],
        *["user@example.org:80", "exa mple.org:80", "example.org:80/", "example.org:80\n", "a..b:80", "-a.b:80"],
        *["127.1:80", "2130706433:80", "0x7f.0.0.1:80", "0x7f000001:80", "1.2.3.4.5:80", "01.2.3.4:80", "::1:80"],
        *["[::1%eth0]:80", "[127.0.0.1]:80", "[]:80", "éxample.org:80", "example.org:８０", "*.example.org:80"],
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(BadAuthority):
        read_authority(text)


@given(NAME, st.integers(1, 65535))
def test_reading_what_was_written_gives_the_same(name: str, port: int) -> None:
    assert read_authority(str(Authority(name, port))) == Authority(name, port)
    assert read_authority(name.upper(), port) == Authority(name, port)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_addresses_are_known_as_such(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    shown = f"[{address}]" if address.version == 6 else str(address)
    read = read_authority(f"{shown}:{port}")
    assert read.is_address
    assert ipaddress.ip_address(read.host) == address


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        read = read_authority(text, 80)
    except BadAuthority:
        return
    assert read == read_authority(str(read))


# --- the list --------------------------------------------------------------------------------------------------


def admits(patterns: Sequence[str], text: str) -> bool:
    return AllowList(patterns).find_fault(read_authority(text)) is None


@pytest.mark.parametrize(
    ("pattern", "allowed", "refused"),
    [
        (
            "example.org",
            ["example.org:80", "EXAMPLE.org.:443"],
            ["example.org:22", "a.example.org:443", "badexample.org:443", "example.org.evil.test:443"],
        ),
        (
            "*.example.org",
            ["a.example.org:443", "b.a.example.org:80"],
            ["example.org:443", "xexample.org:443", "a.example.org:8443"],
        ),
        ("example.org:8443", ["example.org:8443"], ["example.org:443", "example.org:80"]),
        ("Example.Org.", ["example.org:443"], []),
        ("192.0.2.7", ["192.0.2.7:80"], ["192.0.2.8:80", "[::ffff:192.0.2.7]:80"]),
        ("*.2.7", [], ["192.0.2.7:80"]),
        ("example.org:99999", [], ["example.org:443", "example.org:80"]),
        ("example.org:", [], ["example.org:443"]),
        ("", [], ["example.org:443"]),
        ("*", [], ["example.org:443"]),
    ],
)
def test_patterns(pattern: str, allowed: list[str], refused: list[str]) -> None:
    assert all(admits([pattern], text) for text in allowed)
    assert not any(admits([pattern], text) for text in refused)


def test_patterns_of_one_host_add_up() -> None:
    patterns = ["example.org", "example.org:22"]
    assert all(admits(patterns, f"example.org:{port}") for port in (22, 80, 443))
    fault = AllowList(patterns).find_fault(Authority("example.org", 25))
    assert fault == "port 25 of this host is not allowed, only 22, 80, 443"


@given(NAME, NAME)
def test_a_pattern_fits_itself_and_what_is_below(name: str, other: str) -> None:
    assert admits([name], f"{name}:443")
    assert admits([f"*.{name}"], f"{other}.{name}:443")
    assert not admits([f"*.{name}"], f"{name}:443")
    assert admits([name], f"{other}:443") == (other == name)


# --- addresses -------------------------------------------------------------------------------------------------

FORBIDDEN = [
    *["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
    *["192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32", "100.100.100.200/32"],
]
FORBIDDEN_SIX = ["::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8", "fd00:ec2::254/128"]


@pytest.mark.parametrize("network", [*FORBIDDEN, *FORBIDDEN_SIX])
def test_forbidden_networks_from_end_to_end(network: str) -> None:
    found = ipaddress.ip_network(network)
    assert find_address_fault(found[0])
    assert find_address_fault(found[-1])


@pytest.mark.parametrize("network", FORBIDDEN)
@pytest.mark.parametrize("prefix", ["::ffff:0:0", "64:ff9b::", "::"])
def test_forbidden_networks_in_other_clothes(network: str, prefix: str) -> None:
    inner = ipaddress.ip_network(network)
    for address in (inner[0], inner[-1]):
        dressed = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
        assert find_address_fault(dressed), dressed
        assert find_address_fault(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80))), "6to4"


@pytest.mark.parametrize(
    "text",
    [
        *["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"],
        *["192.0.2.1", "198.51.100.1", "203.0.113.10", "223.255.255.255", "2001:db8::1", "2606:4700::1111"],
        *["::ffff:1.1.1.1", "64:ff9b::1.1.1.1"],
    ],
)
def test_public_addresses_and_those_for_documentation_are_fine(text: str) -> None:
    assert find_address_fault(ipaddress.ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_clothes_change_nothing(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert find_address_fault(mapped) == find_address_fault(address)


def test_own_addresses_are_known() -> None:
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_own(ipaddress.ip_address("203.0.113.250"))


# --- names to addresses ----------------------------------------------------------------------------------------


def find(answers: list[str] | Exception, host: str = "example.org", permitted: Sequence[str] = ()) -> list[str]:
    async def resolve(authority: Authority) -> list[str]:
        if isinstance(answers, Exception):
            raise answers
        return answers

    reach = Reach(resolve, tuple(map(ipaddress.ip_network, permitted)))
    return [str(address) for address in asyncio.run(reach.find(Authority(host, 443)))]


def test_only_harmless_answers_are_kept_in_order() -> None:
    assert find(["10.1.2.3", "203.0.113.251", "::1", "203.0.113.252"]) == ["203.0.113.251", "203.0.113.252"]


def test_no_harmless_answer_is_a_refusal_that_says_why() -> None:
    with pytest.raises(Refused, match=r"example\.org is 10\.1\.2\.3, a private address"):
        find(["10.1.2.3", "::1"])


@pytest.mark.parametrize("answers", [[], OSError("no such name"), UnicodeError("label too long")])
def test_no_answer_is_told_apart(answers: list[str] | Exception) -> None:
    with pytest.raises(Unresolved, match=r"example\.org"):
        find(answers)


def test_the_systems_resolver_gives_plain_addresses() -> None:
    assert set(asyncio.run(resolve(Authority("localhost", 80)))) <= {"127.0.0.1", "::1"}
    with pytest.raises(Unresolved):
        asyncio.run(Reach().find(Authority("no-such-name.invalid", 80)))


def test_an_address_is_not_resolved_but_checked() -> None:
    assert find(OSError("never asked"), "203.0.113.250") == ["203.0.113.250"]
    with pytest.raises(Refused, match="loopback"):
        find(OSError("never asked"), "127.0.0.1")


def test_what_the_operator_permits_is_fine_also_in_other_clothes() -> None:
    assert find(["10.1.2.3", "10.2.0.1"], permitted=["10.1.0.0/16"]) == ["10.1.2.3"]
    assert find(["::ffff:10.1.2.3"], permitted=["10.1.0.0/16"]) == ["::ffff:a01:203"]


def test_an_address_of_this_machine_is_refused_whatever_range_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mogplex.egress.address.is_own", lambda address: str(address) == "203.0.113.250")
    with pytest.raises(Refused, match="an address of this machine"):
        find(["203.0.113.250", "::ffff:203.0.113.250"])
