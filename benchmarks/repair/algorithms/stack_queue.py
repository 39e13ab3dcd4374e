"""A queue of two stacks pours out too eagerly, and the like."""


class Queue:
    def __init__(self):
        self.inbox = []
        self.outbox = []

    def push(self, item):
        self.inbox.append(item)

    def pop(self):
        if not self.outbox:
            while self.inbox:
                self.outbox.append(self.inbox.pop())
        return self.outbox.pop()

    def __len__(self):
        return len(self.inbox) + len(self.outbox)


# === tests ===
def test_order():
    queue = Queue()
    queue.push(1)
    queue.push(2)
    assert queue.pop() == 1
    queue.push(3)
    assert [queue.pop(), queue.pop()] == [2, 3]


def test_length():
    queue = Queue()
    queue.push(1)
    assert len(queue) == 1


# === bugs ===
#         if not self.outbox:\n            while =>         if self.inbox:\n            while
