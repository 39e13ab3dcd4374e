"""The libraries that bugs are injected into: pinned source packages, fetched with pip when a benchmark runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Library:
    name: str
    version: str
    sources: str  # folder or file with the code, relative to the package's root
    failing: int = 0  # tests that fail without any bug, for want of a plugin
    round: int = 1  # when its bugs were made: those of an earlier round have been read, all of them
    plain: bool = False  # its own pytest options need plugins that are left out: an empty pytest.ini goes before them


LIBRARIES = [
    Library("cachetools", "8.0.2", "src/cachetools"),
    Library("toolz", "1.2.0", "toolz"),
    Library("isodate", "0.7.2", "src/isodate"),
    Library("tabulate", "0.10.0", "tabulate"),
    Library("tinydb", "4.9.0", "tinydb"),
    Library("sqlparse", "0.6.1", "sqlparse"),
    Library("voluptuous", "0.16.0", "voluptuous"),
    Library("xmltodict", "1.0.4", "xmltodict.py"),
    Library("inflection", "0.5.1", "inflection"),
    Library("boltons", "26.2.0", "boltons"),
    Library("simpleeval", "1.0.8", "simpleeval.py", round=2),
    Library("webcolors", "25.10.0", "src/webcolors", round=2),
    Library("uritemplate", "4.2.0", "uritemplate", round=2),
    Library("rfc3986", "2.0.0", "src/rfc3986", round=2),
    Library("pathspec", "1.1.1", "pathspec", round=2),
    Library("pyrsistent", "0.20.0", "pyrsistent", round=2),
    Library("humanize", "4.17.0", "src/humanize", failing=15, round=2),
    Library("itsdangerous", "2.2.0", "src/itsdangerous", round=2),
    Library("marshmallow", "4.4.0", "src/marshmallow", round=2),
    Library("python_slugify", "9.2.0", "slugify", round=2),
    Library("more_itertools", "11.2.1", "more_itertools", round=2),
    Library("anytree", "2.13.0", "src/anytree", round=4, plain=True),
    Library("croniter", "7.0.0", "src/croniter", round=4),
    Library("funcy", "2.1", "funcy", round=4),
    Library("glom", "25.12.0", "glom", failing=1, round=4),
    Library("h11", "0.16.0", "h11", round=4),
    Library("hpack", "4.2.0", "src/hpack", round=4),
    Library("mistune", "3.4.0", "src/mistune", round=4),
    Library("parse", "1.22.4", "parse", round=4, plain=True),
    Library("pluggy", "1.7.0", "src/pluggy", round=4),
    Library("schema", "0.7.8", "schema", round=4),
    Library("semver", "3.1.2", "src/semver", round=4, plain=True),
    Library("unidiff", "1.0.1", "unidiff", round=4),
    Library("whatthepatch", "1.0.7", "src/whatthepatch", round=4),
    Library("bottle", "0.13.4", "bottle.py", round=5),
    Library("bracex", "3.2.3", "bracex", round=5),
    Library("configobj", "5.0.9", "src/configobj", round=5),
    Library("deepmerge", "4.0.0", "deepmerge", round=5),
    Library("docstring_parser", "0.18.0", "docstring_parser", round=5),
    Library("geojson", "3.3.0", "geojson", round=5),
    Library("hyperframe", "6.1.0", "src/hyperframe", round=5),
    Library("makefun", "1.16.0", "src/makefun", failing=4, round=5),
    Library("markdown_it_py", "4.3.0", "markdown_it", failing=7, round=5),
    Library("multiset", "3.2.0", "multiset", round=5),
    Library("munch", "4.0.0", "munch", round=5),
    Library("python_dotenv", "1.2.4", "src/dotenv", round=5),
    Library("Arpeggio", "2.0.3", "arpeggio", round=6),
    Library("json5", "0.17.3", "json5", round=6),
    Library("jsonpickle", "4.1.4", "jsonpickle", failing=1, round=6, plain=True),
    Library("oauthlib", "4.0.1", "oauthlib", round=6),
    Library("parsimonious", "0.11.0", "parsimonious", round=6),
    Library("plac", "1.4.7", "plac_core.py", failing=1, round=6),
    Library("pyasn1", "0.6.5", "pyasn1", round=6),
    Library("pyflakes", "4.1.0", "pyflakes", failing=1, round=6),
    Library("python_multipart", "0.0.34", "python_multipart", round=6),
    Library("tomlkit", "0.15.2", "tomlkit", round=6),
    Library("validators", "0.36.0", "src/validators", failing=18, round=6),
    Library("wsproto", "1.3.2", "src/wsproto", round=6),
    Library("ansi2html", "1.9.5", "src/ansi2html", failing=2, round=7),
    Library("astor", "0.8.1", "astor", failing=2, round=7),
    Library("automat", "25.4.16", "src/automat", failing=1, round=7),
    Library("diff_match_patch", "20241021", "diff_match_patch", round=7),
    Library("formencode", "2.1.1", "src/formencode", failing=5, round=7),
    Library("linkify_it_py", "2.2.0", "linkify_it", round=7),
    Library("netaddr", "1.3.0", "netaddr", round=7),
    Library("priority", "2.0.0", "src/priority", round=7),
    Library("pyhamcrest", "2.1.0", "src/hamcrest", round=7),
    Library("pystache", "0.6.8", "pystache", round=7),
    Library("schedule", "1.2.2", "schedule", round=7),
    Library("u-msgpack-python", "2.8.0", "umsgpack", round=7),
    Library("arrow", "1.4.0", "arrow", failing=14, round=8, plain=True),
    Library("freezegun", "1.5.5", "freezegun", round=8),
    Library("installer", "1.1.0", "src/installer", round=8),
    Library("mako", "1.4.3", "mako", round=8),
    Library("ordered-set", "4.1.0", "ordered_set", round=8),
    Library("parso", "0.8.7", "parso", round=8),
    Library("parsy", "2.2", "src/parsy", round=8),
    Library("pkginfo", "2.0", "src/pkginfo", failing=2, round=8),
    Library("pypng", "0.20220715.0", "code", failing=1, round=8),
    Library("termcolor", "3.3.0", "src/termcolor", round=8),
    Library("testfixtures", "12.4.0", "src/testfixtures", round=8),
    Library("url_normalize", "3.1.0", "url_normalize", round=8, plain=True),
    Library("aniso8601", "10.0.1", "aniso8601", round=9),
    Library("Chameleon", "4.6.0", "src/chameleon", failing=2, round=9),
    Library("dataset", "2.0.0", "dataset", round=9),
    Library("docutils", "0.23", "docutils", round=9),
    Library("frozendict", "2.5.1", "src/frozendict", round=9),
    Library("gast", "0.7.0", "gast", round=9),
    Library("genshi", "0.7.12", "genshi", round=9),
    Library("itemadapter", "0.13.1", "itemadapter", round=9),
    Library("petl", "1.7.30", "petl", round=9),
    Library("queuelib", "1.10.0", "queuelib", round=9),
    Library("rstr", "3.2.2", "rstr", round=9),
    Library("wheel", "0.48.0", "src/wheel", round=9),
    Library("astral", "3.2", "src/astral", round=10),
    Library("bitmath", "2.1.1", "bitmath", round=10),
    Library("colorful", "0.5.8", "colorful", round=10),
    Library("csscompressor", "0.9.5", "csscompressor", round=10),
    Library("forallpeople", "3.0.0", "forallpeople", round=10),
    Library("immutables", "0.21", "immutables", failing=1, round=10),
    Library("jsonlines", "4.0.0", "jsonlines", round=10),
    Library("jsonmerge", "1.9.2", "jsonmerge", round=10),
    Library("paste", "3.10.1", "paste", round=10),
    Library("plaster", "1.1.2", "src/plaster", round=10),
    Library("pyxdg", "0.28", "xdg", failing=2, round=10),
    Library("webencodings", "0.6.1", "webencodings", round=10),
    Library("configupdater", "4.1.1", "src/configupdater", round=11),
    Library("crccheck", "1.3.1", "crccheck", round=11),
    Library("hangul", "0.0.4", "hangul", round=11),
    Library("marko", "2.2.4", "marko", round=11),
    Library("pymap3d", "3.2.0", "src/pymap3d", round=11),
    Library("pypika_tortoise", "0.6.5", "pypika_tortoise", failing=1, round=11),
    Library("pysrt", "1.1.2", "pysrt", round=11),
    Library("semantic_version", "2.10.0", "semantic_version", round=11),
    Library("sievelib", "1.6.0", "sievelib", round=11),
    Library("sqlparams", "6.2.0", "sqlparams", round=11),
    Library("typing_inspect", "0.9.0", "typing_inspect.py", round=11),
    Library("webvtt_py", "0.6.0", "webvtt", round=11),
    Library("affine", "3.0.1", "src/affine", round=12),
    Library("boolean_py", "5.0", "boolean", round=12),
    Library("configargparse", "1.9.0", "configargparse.py", round=12),
    Library("demjson3", "3.0.6", "demjson3.py", round=12),
    Library("django_environ", "0.14.0", "environ", round=12),
    Library("geographiclib", "2.1", "geographiclib", round=12),
    Library("josepy", "2.2.0", "src/josepy", round=12),
    Library("lazr_uri", "4.0.0", "src/lazr/uri", round=12),
    Library("pure_eval", "0.2.4", "pure_eval", round=12),
    Library("pynmea2", "1.19.0", "pynmea2", round=12),
    Library("rich_argparse", "1.8.0", "rich_argparse", failing=1, round=12),
    Library("transliterate", "1.10.2", "src/transliterate", round=12),
    Library("argh", "0.31.3", "src/argh", round=13),
    Library("cligj", "0.7.2", "cligj", round=13),
    Library("flatdict", "4.1.0", "flatdict", round=13),
    Library("hl7", "0.4.5", "hl7", round=13),
    Library("iniparse", "0.5.3", "iniparse", round=13),
    Library("iuliia", "0.13.0", "iuliia", round=13),
    Library("prettyconf", "3.0.1", "prettyconf", round=13),
    Library("pymitter", "1.1.3", "src/pymitter", round=13),
    Library("pyphen", "0.18.1", "pyphen", round=13),
    Library("pytoml", "0.1.21", "pytoml", round=13),
    Library("translationstring", "1.4", "translationstring", round=13),
    Library("utm", "0.9.0", "utm", round=13),
    Library("begins", "0.9", "begin", failing=2, round=14),
    Library("colorama", "0.4.6", "colorama", round=14),
    Library("feedgen", "1.0.0", "feedgen", round=14),
    Library("ipaddr", "2.2.0", "ipaddr.py", round=14),
    Library("jaconv", "0.5.0", "jaconv", round=14),
    Library("langdetect", "1.0.9", "langdetect", round=14),
    Library("Metaphone", "0.6", "metaphone", failing=1, round=14),
    Library("parsec", "3.17", "src/parsec", round=14),
    Library("strsimpy", "0.2.1", "strsimpy", round=14),
    Library("toml", "0.10.2", "toml", failing=2, round=14),
    Library("urlobject", "3.0.0", "urlobject", round=14),
    Library("PasteDeploy", "3.1.0", "src/paste/deploy", round=15, plain=True),
    Library("ddlparse", "1.10.0", "ddlparse", round=15, plain=True),
    Library("fire", "0.7.1", "fire", round=15),
    Library("fnc", "0.5.3", "src/fnc", round=15, plain=True),
    Library("fuzzywuzzy", "0.18.0", "fuzzywuzzy", round=15),
    Library("jsonmodels", "2.9.0", "jsonmodels", round=15),
    Library("license_expression", "30.4.4", "src/license_expression", round=15),
    Library("lizard", "1.24.3", "lizard_languages", failing=1, round=15, plain=True),
    Library("mistletoe", "1.6.0", "mistletoe", round=15),
    Library("pyhocon", "0.3.63", "pyhocon", round=15),
    Library("pyte", "0.8.2", "pyte", round=15),
    Library("python_barcode", "0.16.1", "barcode", round=15, plain=True),
    Library("WSGIProxy2", "0.5.1", "wsgiproxy", round=16),
    Library("asttokens", "3.0.2", "asttokens", round=16),
    Library("case_conversion", "3.0.2", "case_conversion", round=16),
    Library("click", "8.5.1", "src/click", round=16),
    Library("email_validator", "2.4.0", "email_validator", failing=2, round=16),
    Library("fixtures", "4.3.2", "fixtures", round=16),
    Library("intervals", "0.9.2", "intervals", round=16),
    Library("odfpy", "1.4.1", "odf", round=16),
    Library("pyquery", "2.1.0", "pyquery", round=16),
    Library("tinycss", "0.4", "tinycss", failing=1, round=16, plain=True),
    Library("venusian", "3.1.1", "src/venusian", round=16, plain=True),
    Library("vulture", "2.16", "vulture", failing=1, round=16, plain=True),
    Library("bleach", "6.4.0", "bleach/sanitizer.py", round=17),
    Library("blinker", "1.9.0", "src/blinker", failing=1, round=17, plain=True),
    Library("cn2an", "0.5.24", "cn2an", round=17),
    Library("cowsay", "6.0", "cowsay/main.py", round=17),
    Library("jdcal", "1.4.1", "jdcal.py", round=17),
    Library("lxml_html_clean", "0.4.6", "lxml_html_clean", failing=3, round=17),
    Library("mnemonic", "0.21", "src/mnemonic", round=17),
    Library("phonetics", "1.0.5", "phonetics", round=17),
    Library("xmljson", "0.2.1", "xmljson/__init__.py", round=17),
    Library("altgraph", "0.17.5", "altgraph", round=18),
    Library("cacheout", "0.17.0", "src/cacheout", failing=2, round=18, plain=True),
    Library("google-pasta", "0.2.0", "pasta", round=18),
    Library("mercantile", "1.2.1", "mercantile", round=18),
    Library("podcastparser", "0.6.11", "podcastparser.py", round=18),
    Library("pychord", "1.4.1", "pychord", round=18),
    Library("pylatexenc", "2.11", "pylatexenc", round=18),
    Library("pytodotxt", "3.1.0", "pytodotxt", round=18),
    Library("robotexclusionrulesparser", "1.7.1", "robotexclusionrulesparser.py", round=18),
    Library("text2digits", "0.1.2", "text2digits", round=18),
    Library("Versio", "0.5.0", "versio", round=18),
    Library("webassets", "3.0.0", "src/webassets", failing=1, round=18),
    Library("asn1", "3.3.0", "src/asn1", round=19, plain=True),
    Library("bytecode", "0.19.1", "src/bytecode", round=19),
    Library("dparse", "0.6.4", "dparse", round=19),
    Library("feedgenerator", "2.2.1", "feedgenerator", round=19, plain=True),
    Library("fysom", "2.1.6", "fysom", round=19),
    Library("genty", "1.3.2", "genty", round=19),
    Library("logbook", "1.10.1", "src/logbook", round=19),
    Library("multipart", "2.0.1", "multipart.py", round=19),
    Library("ofxparse", "0.21", "ofxparse", round=19, plain=True),
    Library("pygeoif", "1.6.0", "pygeoif", round=19),
    Library("pyisbn", "1.4.3", "src/pyisbn", round=19, plain=True),
    Library("Yapsy", "1.12.2", "yapsy", round=19),
    Library("persiantools", "6.2.0", "persiantools", round=20),
    Library("dominate", "2.9.1", "dominate", round=20),
    Library("dice", "4.0.0", "dice", round=20),
    Library("wonderwords", "3.0.1", "wonderwords", round=20),
    Library("latexcodec", "3.0.1", "latexcodec", round=20),
    Library("uritools", "7.0.0", "src/uritools", round=20),
    Library("asyncstdlib", "3.14.0", "asyncstdlib", round=20),
    Library("price_parser", "0.5.1", "price_parser", round=20),
    Library("dissect_cstruct", "4.7", "dissect", round=20),
]


def library(name: str) -> Library:
    return next(one for one in LIBRARIES if one.name == name)


def fetch(one: Library, cache: Path) -> Path:
    """The unpacked source package, downloaded on first use. Raises CalledProcessError when pip can't get it."""
    target = cache / f"{one.name}-{one.version}"
    if not target.exists():
        downloads = cache / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        package = f"{one.name}=={one.version}"
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", one.name, package]
        subprocess.run(command, cwd=downloads, check=True)
        archive = next(downloads.glob(f"{one.name}-{one.version}.tar.gz"))
        aside = cache / f".{target.name}"
        shutil.rmtree(aside, ignore_errors=True)
        shutil.unpack_archive(archive, aside)
        (aside / target.name).rename(target)
    if one.plain:
        (target / "pytest.ini").write_text("[pytest]\n")
    return target


def source_files(one: Library, root: Path) -> list[str]:
    """Relative paths of the code, tests left out."""
    place = root / one.sources
    paths = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    names = [str(path.relative_to(root)) for path in paths]
    return [name for name in names if not re.search(r"(^|/)(tests?/|test_|conftest)|_test\.py$", name)]


def suite(root: Path, seconds: float, *arguments: str) -> tuple[int, int, str]:
    """(passed, failed or in error, what pytest said last); (0, -1, …) when it ran out of time."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
    environment = {**os.environ, "PYTHONPATH": f"{root}/src:{root}", "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        done = subprocess.run(
            [*command, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 0, -1, "out of time"
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    counts = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)", last)}
    return counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0), last
