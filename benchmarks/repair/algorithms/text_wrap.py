"""Small jobs on text."""


def wrap(text, width):
    lines = []
    while len(text) > width:
        cut = text.rfind(" ", 0, width + 1)
        if cut == -1:
            cut = width
        lines.append(text[:cut])
        text = text[cut:].lstrip()
    lines.append(text)
    return lines


def compress(text):
    result = []
    for letter in text:
        if result and result[-1][0] == letter:
            result[-1][1] += 1
        else:
            result.append([letter, 1])
    return "".join(letter + (str(count) if count > 1 else "") for letter, count in result)


def is_palindrome(text):
    letters = [one.lower() for one in text if one.isalnum()]
    return letters == letters[::-1]


# === tests ===
def test_short():
    assert wrap("hi", 5) == ["hi"]


def test_words():
    assert wrap("the quick fox", 9) == ["the quick", "fox"]


def test_long_word():
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_compress():
    assert compress("aaabcc") == "a3bc2"


def test_palindrome():
    assert is_palindrome("A man, a plan, a canal: Panama") and not is_palindrome("ab")


# === bugs ===
#     lines.append(text)\n    return => \n    return
# text.rfind( => text.find(
# width + 1) => width)
# count > 1 else => count else
# one.lower() for => one for
