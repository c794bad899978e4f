"""Workers that share one set of weights: every worker is a single-threaded Python thread that takes the next row when it is free.

On a machine that others use too, this is many times faster than parallel loops inside each operation, which wait for their slowest thread.
"""

import copy
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Queue

import torch


class Workers:
    """Twins of `model` (same storage, own gradients) and a pool that runs them."""

    def __init__(self, model, count: int):
        self.twins = [twin(model) for _ in range(count)]
        self.pool = ThreadPoolExecutor(count)
        self.sums = [{n: torch.zeros_like(p, dtype=torch.float32) for n, p in model.named_parameters()} for _ in range(count)]

    def each(self, task, items):
        """Runs task(worker index, item) for all items, each by whichever worker is free; results in order of items."""
        queue: Queue = Queue()
        for entry in enumerate(items):
            queue.put(entry)
        results = [None] * queue.qsize()

        def work(index):
            while True:
                try:
                    place, item = queue.get_nowait()
                except Empty:
                    return
                results[place] = task(index, item)

        for future in [self.pool.submit(work, i) for i in range(len(self.twins))]:
            future.result()
        return results

    def backward(self, index, loss):
        """Adds the gradients of `loss` to the worker's fp32 sums."""
        loss.backward()
        with torch.no_grad():
            for name, parameter in self.twins[index].named_parameters():
                self.sums[index][name].add_(parameter.grad)
                parameter.grad = None

    def gradient(self, name):
        """The sum over workers; the sums start again at zero."""
        total = self.sums[0][name].clone()
        self.sums[0][name].zero_()
        for other in self.sums[1:]:
            total += other[name]
            other[name].zero_()
        return total


def twin(model):
    """A second module over the same weight storage."""
    other = copy.deepcopy(model)
    for mine, theirs in zip(other.parameters(), model.parameters()):
        mine.data = theirs.data
    return other
