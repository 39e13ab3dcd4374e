"""One step of comparing two versions of a function, in a process of its own. Run by `judge.py` as

    python -m differential record|generate|steady|replay FILE FUNCTION FOLDER

`record` runs the suite and keeps calls of the function; `generate` makes inputs from them with Hypothesis and keeps
what the function does with each; `steady` leaves out those with which the same function does something else in another
process; `replay` says whether the version on disk now does the same with the others.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import itertools
import pickle
import re
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from calls import packed, unpacked

MAX_CALLS = 80
EXAMPLES = 400
MAX_ITEMS = 50
SECONDS_EACH = 2
MAX_BYTES = 2 << 30  # of memory: functions are called with very large numbers, too
ADDRESS = r"\b(?:9[3-5]|139|140)\d{12}\b"  # what `id` gives in a 64-bit process on Linux


def _functions_named(file: str, name: str, frame: Any) -> bool:
    code = frame.f_code
    return code.co_filename == file and code.co_qualname == name


def record(file: str, name: str, folder: Path) -> None:
    import pytest

    calls: list[bytes] = []

    def on_event(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and len(calls) < MAX_CALLS and _functions_named(file, name, frame):
            code = frame.f_code
            positional = [frame.f_locals[one] for one in code.co_varnames[: code.co_argcount]]
            more = (
                list(frame.f_locals.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ()))
                if code.co_flags & 4
                else []
            )
            keywords = {
                one: frame.f_locals[one]
                for one in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
            }
            if code.co_flags & 8:
                keywords |= frame.f_locals[
                    code.co_varnames[code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4)]
                ]
            try:
                calls.append(packed((tuple(positional + more), keywords)))
            except Exception:  # noqa: BLE001  a socket, a generator: this call can't be made again
                return

    sys.setprofile(on_event)
    pytest.main(["-q", "-p", "no:cacheprovider"])
    sys.setprofile(None)
    (folder / "calls").write_bytes(pickle.dumps(list(dict.fromkeys(calls))))
    (folder / "path").write_bytes(pickle.dumps(sys.path))  # pytest puts the folders of test modules there
    print(f"record {len(calls)}")


def strategy_for(values: list[Any]) -> Any:
    """What the suite passes there, and more of the same kind."""
    from hypothesis import strategies as st

    kinds = {type(value) for value in values}
    parts = [st.sampled_from([packed(value) for value in values]).map(unpacked)]
    if int in kinds:
        parts.append(st.integers(-3, 20) | st.integers())
    if float in kinds:
        parts.append(st.floats(allow_nan=False))
    if bool in kinds:
        parts.append(st.booleans())
    if str in kinds:
        letters = sorted(set("".join(value for value in values if isinstance(value, str)))) or ["a"]
        parts.append(st.text(st.sampled_from(letters), max_size=20))
        parts.append(
            st.lists(st.sampled_from([value for value in values if isinstance(value, str)]), max_size=3).map("".join)
        )
    for kind in (list, tuple, set):
        items = [item for value in values if type(value) is kind for item in value]
        if items and kind in kinds:
            parts.append(st.lists(strategy_for(items), max_size=6).map(lambda one, kind=kind: _made(kind, one)))
    maps = [value for value in values if type(value) is dict and value]
    if maps:
        keys = st.sampled_from([key for value in maps for key in value])
        parts.append(
            st.dictionaries(keys, strategy_for([item for value in maps for item in value.values()]), max_size=5)
        )
    return st.one_of(parts)


def _made(kind: type, items: list[Any]) -> Any:
    try:
        return kind(items)
    except TypeError:
        return kind()


def find(file: str, name: str) -> Any:
    modules = [one for one in sys.modules.values() if getattr(one, "__file__", None) == file]
    if not modules:
        path = Path(file).with_suffix("")
        parts = [path.stem] if path.stem != "__init__" else []
        folder = path.parent
        while (folder / "__init__.py").exists():
            parts.insert(0, folder.name)
            folder = folder.parent
        modules = [importlib.import_module(".".join(parts))]
    thing: Any = modules[0]
    for part in name.split("."):
        thing = vars(thing)[part]
    for inner in ("__func__", "fget", "func", "__wrapped__"):
        thing = getattr(thing, inner, None) or thing
    return thing


def outcome(function: Any, data: bytes) -> tuple[str, str]:
    """What a call does, as text: its value (or first items), or the kind of exception; and its arguments afterwards.
    And what the exception says."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS_EACH)
    try:
        return _outcome(function, *unpacked(data))
    except TimeoutError:
        return "never ended", ""
    except MemoryError:  # what it left can't even be shown
        return "too large", ""
    finally:
        signal.alarm(0)


def _outcome(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[str, str]:
    said = ""
    try:
        value = function(*arguments, **keywords)
        if inspect.iscoroutine(value) or inspect.isasyncgen(value):
            value = asyncio.run(_awaited(value))
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, MAX_ITEMS))
        text = f"returned {_shown(value)}"
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001  any exception is an outcome to compare
        text = f"raised {type(error).__name__}"
        is_by_chance = isinstance(error, (TypeError, AttributeError, NameError))  # of what came first
        said = "" if is_by_chance else _text(error)
    text = f"{text} leaving {[_shown(one) for one in arguments]}"
    addresses = [f"{id(one):x}" for one in (*arguments, *keywords.values())]  # some show them without the 0x
    address = re.compile("|".join(["0x[0-9a-f]+", ADDRESS, *addresses]))
    return address.sub("0x", text), address.sub("0x", said)


async def _awaited(value: Any) -> Any:
    if inspect.iscoroutine(value):
        return await value
    items = []
    async for item in value:
        items.append(item)
        if len(items) == MAX_ITEMS:
            break
    return items


def _text(value: Any) -> str:
    try:
        return repr(value)
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001  an object that isn't whole yet, like the `self` of an `__init__`
        return f"no text: {type(error).__name__}"


def _shown(value: Any) -> str:
    text = _text(value)
    if hasattr(value, "__dict__") and not isinstance(value, type):
        text += ", ".join(f"{name}={_text(one)}" for name, one in sorted(vars(value).items()))
    return text[:4000]


def without_defaults(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Any]:
    """The same call with the last arguments left out that are the function's defaults: a patch may change those."""
    defaults = list(getattr(function, "__defaults__", None) or ())
    code = getattr(function, "__code__", None)
    left = list(arguments)
    while code and len(left) <= code.co_argcount and left and defaults and _shown(left[-1]) == _shown(defaults[-1]):
        left.pop()
        defaults.pop()
    named = getattr(function, "__kwdefaults__", None) or {}
    needed = {key: value for key, value in keywords.items() if key not in named or _shown(value) != _shown(named[key])}
    return tuple(left), needed


def generate(file: str, name: str, folder: Path) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    calls = [unpacked(one) for one in pickle.loads((folder / "calls").read_bytes())]
    function = find(file, name)
    calls += [
        short for call in calls if list(map(len, short := without_defaults(function, *call))) != list(map(len, call))
    ]
    lengths = sorted({len(arguments) for arguments, _ in calls})
    shapes = []
    for length in lengths:
        alike = [(arguments, keywords) for arguments, keywords in calls if len(arguments) == length]
        places = [strategy_for([arguments[place] for arguments, _ in alike]) for place in range(length)]
        names = sorted({key for _, keywords in alike for key in keywords})
        named = {key: strategy_for([keywords[key] for _, keywords in alike if key in keywords]) for key in names}
        always = {key for key in names if all(key in keywords for _, keywords in alike)}
        optional = {key: value for key, value in named.items() if key not in always}
        required = {key: value for key, value in named.items() if key in always}
        shapes.append(st.tuples(st.tuples(*places), st.fixed_dictionaries(required, optional=optional)))
    inputs: list[bytes] = [packed(one) for one in calls]

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(shapes))
    def collect(one: Any) -> None:
        inputs.append(packed(one))

    collect()
    answers = [(data, outcome(function, data)) for data in inputs]
    (folder / "answers").write_bytes(pickle.dumps(answers))
    print(f"generate {len(answers)}")


def steady(file: str, name: str, folder: Path) -> None:
    function = find(file, name)
    answers = pickle.loads((folder / "answers").read_bytes())
    same = [(data, answer) for data, answer in answers if outcome(function, data) == answer]
    (folder / "answers").write_bytes(pickle.dumps(same))
    print(f"steady {len(same)}")


def replay(file: str, name: str, folder: Path) -> None:
    function = find(file, name)
    told = "equal"
    for data, expected in pickle.loads((folder / "answers").read_bytes()):
        text, said = outcome(function, data)
        if text != expected[0]:
            told = "different"
            break
        told = "message" if said != expected[1] else told
    print(told)


if __name__ == "__main__":
    step, file, name, folder = sys.argv[1:]
    if step != "record":
        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
        sys.path += pickle.loads((Path(folder) / "path").read_bytes())
    {"record": record, "generate": generate, "steady": steady, "replay": replay}[step](file, name, Path(folder))
