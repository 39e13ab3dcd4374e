"""Small parsers."""


def parse_query(text):
    result = {}
    for part in text.lstrip("?").split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        result.setdefault(name, []).append(value.replace("+", " "))
    return result


def parse_size(text):
    """'10k' -> 10240."""
    units = {"k": 1024, "m": 1024**2, "g": 1024**3}
    text = text.strip().lower()
    if text and text[-1] in units:
        return int(float(text[:-1]) * units[text[-1]])
    return int(text)


def parse_version(text):
    parts = text.lstrip("v").split(".")
    return tuple(int(part) for part in parts) + (0,) * (3 - len(parts))


def split_csv(line):
    fields, field, quoted = [], "", False
    for letter in line:
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += letter
    fields.append(field)
    return fields


# === tests ===
def test_query():
    assert parse_query("?a=1&b=x+y&a=2") == {"a": ["1", "2"], "b": ["x y"]}


def test_empty():
    assert parse_query("") == {}


def test_flag():
    assert parse_query("a") == {"a": [""]}


def test_equals():
    assert parse_query("a=b=c") == {"a": ["b=c"]}


def test_sizes():
    assert [parse_size(one) for one in ("7", " 2K", "1.5m")] == [7, 2048, 1572864]


def test_version():
    assert parse_version("v1.2") == (1, 2, 0) and parse_version("1.2.3") == (1, 2, 3)


def test_csv():
    assert split_csv('a,"b,c",d') == ["a", "b,c", "d"]


def test_last():
    assert split_csv("a,") == ["a", ""]


# === bugs ===
# part.partition("=") => part.rpartition("=")
# text.strip().lower() => text.strip()
# (3 - len(parts)) => (2 - len(parts))
#             field = ""\n => (nothing)
# "," and not quoted => ","
# int(float(text[:-1]) => int(int(text[:-1])
#         if not part:\n            continue\n => (nothing)
# text.lstrip("v") => text
