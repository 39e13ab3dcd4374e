"""A tree of prefixes."""


class Trie:
    def __init__(self):
        self.children = {}
        self.is_word = False

    def insert(self, word):
        node = self
        for letter in word:
            node = node.children.setdefault(letter, Trie())
        node.is_word = True

    def find(self, prefix):
        node = self
        for letter in prefix:
            if letter not in node.children:
                return None
            node = node.children[letter]
        return node

    def __contains__(self, word):
        node = self.find(word)
        return node is not None and node.is_word

    def words(self, prefix=""):
        node = self.find(prefix)
        if node is None:
            return []
        found = [prefix] if node.is_word else []
        for letter in sorted(node.children):
            found.extend(self.words(prefix + letter))
        return found


# === tests ===
def make(*words):
    trie = Trie()
    for word in words:
        trie.insert(word)
    return trie


def test_contains():
    assert "tea" in make("tea", "ten") and "ten" in make("tea", "ten")


def test_prefix_is_no_word():
    assert "te" not in make("tea")


def test_unknown():
    assert "x" not in make("tea")


def test_words():
    assert make("to", "tea", "ten", "i").words("t") == ["tea", "ten", "to"]


def test_all():
    assert make("b", "a").words() == ["a", "b"]


def test_no_words():
    assert make("a").words("q") == []


# === bugs ===
# node is not None and node.is_word => node is not None
#         node.is_word = True\n => (nothing)
# node = node.children[letter] => node = self.children[letter]
# self.words(prefix + letter) => node.words(prefix + letter)
