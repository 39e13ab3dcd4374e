"""A cache evicts the newest entry, and the like."""

from collections import OrderedDict


class Cache:
    def __init__(self, size):
        self.size = size
        self.entries = OrderedDict()

    def get(self, key, default=None):
        if key not in self.entries:
            return default
        self.entries.move_to_end(key)
        return self.entries[key]

    def put(self, key, value):
        self.entries[key] = value
        self.entries.move_to_end(key)
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)


# === tests ===
def test_evicts():
    cache = Cache(2)
    for key in "abc":
        cache.put(key, key)
    assert cache.get("a") is None and cache.get("c") == "c"


def test_get_refreshes():
    cache = Cache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert cache.get("a") == 1 and cache.get("b", 0) == 0


# === bugs ===
# popitem(last=False) => popitem(last=True)
#         self.entries.move_to_end(key)\n        return =>         return
# popitem(last=False) => popitem(last=True) && if len(self.entries) > self.size => if len(self.entries) >= self.size
