"""A binary heap."""


class Heap:
    def __init__(self, items=()):
        self.items = []
        for item in items:
            self.push(item)

    def __len__(self):
        return len(self.items)

    def push(self, item):
        self.items.append(item)
        place = len(self.items) - 1
        while place > 0 and self.items[(place - 1) // 2] > self.items[place]:
            parent = (place - 1) // 2
            self.items[parent], self.items[place] = self.items[place], self.items[parent]
            place = parent

    def pop(self):
        if not self.items:
            raise IndexError("the heap is empty")
        top = self.items[0]
        last = self.items.pop()
        if self.items:
            self.items[0] = last
            self._sink(0)
        return top

    def _sink(self, place):
        while True:
            smallest = place
            for child in (2 * place + 1, 2 * place + 2):
                if child < len(self.items) and self.items[child] < self.items[smallest]:
                    smallest = child
            if smallest == place:
                return
            self.items[place], self.items[smallest] = self.items[smallest], self.items[place]
            place = smallest


# === tests ===
import pytest


def drain(heap):
    return [heap.pop() for _ in range(len(heap))]


def test_sorts():
    assert drain(Heap([5, 3, 8, 1, 9, 2])) == [1, 2, 3, 5, 8, 9]


def test_repeats():
    assert drain(Heap([2, 1, 2, 1])) == [1, 1, 2, 2]


def test_empty():
    with pytest.raises(IndexError):
        Heap().pop()


def test_length():
    assert len(Heap([1, 2])) == 2


def test_falling():
    assert drain(Heap([9, 8, 7, 6, 5, 4, 3])) == [3, 4, 5, 6, 7, 8, 9]


# === bugs ===
#             self._sink(0)\n => (nothing)
# 2 * place + 2) => 2 * place)
#             place = parent\n => (nothing)
# self.items[child] < self.items[smallest] => self.items[child] < self.items[place]
# while place > 0 and => while place and not
