"""A counter of words forgets case, and the like."""

import re


def count_words(text):
    counts = {}
    for word in re.findall(r"[a-z']+", text.lower()):
        counts[word] = counts.get(word, 0) + 1
    return counts


def top(text, number):
    counts = count_words(text)
    return sorted(counts, key=lambda word: (-counts[word], word))[:number]


# === tests ===
def test_case():
    assert count_words("The the cat") == {"the": 2, "cat": 1}


def test_plain():
    assert count_words("a b a") == {"a": 2, "b": 1}


def test_top():
    assert top("b a b c", 2) == ["b", "a"]


def test_all():
    assert top("b a b c", 9) == ["b", "a", "c"]


# === bugs ===
# text.lower() => text
# -counts[word], word => counts[word], word
# text.lower() => text && -counts[word], word => counts[word], word
