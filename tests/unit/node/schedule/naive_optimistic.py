"""Block-STM with explicit versions, one instant after another.

Each execution notes which version of each value it read. After anything ends, all transactions
are validated from scratch: whoever read a version that is not there any more, or that has become
an estimate, is aborted.
"""

from collections.abc import Iterable, Sequence


class NaiveOptimistic:
    def __init__(self, costs: Sequence[int], edges: Iterable[tuple[int, int]], free: Sequence[int]):
        self.costs, self.free = list(costs), list(free)
        self.before = [[a for a, b in edges if b == task] for task in range(len(costs))]
        self.version = [0] * len(costs)
        self.estimate = [False] * len(costs)
        self.done = [False] * len(costs)
        self.running: dict[int, int] = {}
        self.seen: dict[int, list[int]] = {}
        self.spans: list[tuple[int, int, int]] = []

    def is_valid(self, task: int) -> bool:
        now = [self.version[a] for a in self.before[task]]
        return self.seen[task] == now and not any(self.estimate[a] for a in self.before[task])

    def validate(self) -> None:
        """Abort until nothing is left to abort."""
        changed = True
        while changed:
            changed = False
            for task in range(len(self.costs)):
                if self.done[task] and not self.is_valid(task):
                    self.done[task], self.estimate[task], changed = False, True, True

    def end(self, task: int) -> None:
        del self.running[task]
        self.version[task] += 1
        self.done[task], self.estimate[task] = True, False
        self.validate()

    def next_task(self) -> int | None:
        for task in range(len(self.costs)):
            free = not self.done[task] and task not in self.running
            if free and not any(self.estimate[a] for a in self.before[task]):
                return task
        return None

    def run(self, at: int) -> list[tuple[int, int, int]]:
        now = at
        while not all(self.done):
            for ended in sorted(t for t, end in self.running.items() if end <= now):
                self.end(ended)
            while True:
                idle = [core for core, instant in enumerate(self.free) if instant <= now]
                task = self.next_task()
                if task is None or not idle:
                    break
                core = min(idle, key=self.free.__getitem__)
                self.free[core] = now + self.costs[task]
                self.spans.append((task, now, now + self.costs[task]))
                self.running[task] = now + self.costs[task]
                self.seen[task] = [self.version[a] for a in self.before[task]]
                if not self.costs[task]:
                    self.end(task)
            now += 1
        return self.spans
