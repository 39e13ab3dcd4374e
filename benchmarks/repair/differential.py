"""One step of comparing two versions of a function, in a process of its own. Run by `judge.py` as

    python -m differential record|generate|replay FILE FUNCTION FOLDER

`record` runs the suite and keeps calls of the function; `generate` makes inputs from them with Hypothesis and keeps
what the function does with each; `replay` says whether the version on disk now does the same.
"""

from __future__ import annotations

import importlib
import itertools
import pickle
import re
import signal
import sys
from pathlib import Path
from typing import Any

MAX_CALLS = 80
EXAMPLES = 400
MAX_ITEMS = 50
SECONDS_EACH = 2


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
                calls.append(pickle.dumps((tuple(positional + more), keywords)))
            except Exception:  # noqa: BLE001  a lambda, a file, a lock: this call can't be made again
                return

    sys.setprofile(on_event)
    pytest.main(["-q", "-p", "no:cacheprovider"])
    sys.setprofile(None)
    (folder / "calls").write_bytes(pickle.dumps(list(dict.fromkeys(calls))))
    print(f"recorded {len(calls)}")


def strategy_for(values: list[Any]) -> Any:
    """What the suite passes there, and more of the same kind."""
    from hypothesis import strategies as st

    kinds = {type(value) for value in values}
    parts = [st.sampled_from([pickle.dumps(value) for value in values]).map(pickle.loads)]
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
    return getattr(thing, "__func__", thing)


def outcome(function: Any, data: bytes) -> str:
    """What a call does, as text: its value (or first items), or the exception; and its arguments afterwards."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS_EACH)
    try:
        arguments, keywords = pickle.loads(data)
        try:
            value = function(*arguments, **keywords)
            if hasattr(value, "__next__"):
                value = list(itertools.islice(value, MAX_ITEMS))
            text = f"returned {_shown(value)}"
        except TimeoutError:
            return "never ended"
        except Exception as error:  # noqa: BLE001  any exception is an outcome to compare
            text = f"raised {type(error).__name__}"
        return f"{text} leaving {[_shown(one) for one in arguments]}"
    finally:
        signal.alarm(0)


def _shown(value: Any) -> str:
    text = repr(value)
    if hasattr(value, "__dict__") and not isinstance(value, type):
        text += repr(sorted(vars(value).items(), key=lambda item: item[0]))
    return re.sub(r"0x[0-9a-f]+", "0x", text)[:4000]


def generate(file: str, name: str, folder: Path) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    calls = [pickle.loads(one) for one in pickle.loads((folder / "calls").read_bytes())]
    if not calls:
        print("none recorded")
        return
    function = find(file, name)
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
    inputs: list[bytes] = [pickle.dumps(one) for one in calls]

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(shapes))
    def collect(one: Any) -> None:
        inputs.append(pickle.dumps(one))

    collect()
    answers = [(data, outcome(function, data)) for data in inputs]
    (folder / "answers").write_bytes(pickle.dumps(answers))
    print(f"made {len(answers)}")


def replay(file: str, name: str, folder: Path) -> None:
    function = find(file, name)
    for data, expected in pickle.loads((folder / "answers").read_bytes()):
        if outcome(function, data) != expected:
            print("different")
            return
    print("equal")


if __name__ == "__main__":
    step, file, name, folder = sys.argv[1:]
    {"record": record, "generate": generate}.get(step, replay)(file, name, Path(folder))
