"""What the Python peers of the training bench share: the case they read and the commands they answer (see README.md)."""

import json
import sys
import time

import numpy as np


def read_case(path):
    """The case as bench/training.mjs writes it: sizes, loss ("bce" or "ce"), inputs, targets, parameters, direction."""
    with open(path, "rb") as file:
        count, loss, points = np.fromfile(file, "<u4", 3)
        sizes = [int(n) for n in np.fromfile(file, "<u4", count)]
        take = lambda *shape: np.fromfile(file, "<f4", int(np.prod(shape))).reshape(shape)
        inputs, targets = take(points, sizes[0]), take(points)
        vector = lambda: [part for a, b in zip(sizes, sizes[1:]) for part in (take(b, a), take(b))]
        return sizes, ["bce", "ce"][loss], inputs, targets, vector(), vector()


def serve(answers, calls):
    """Answers commands until stdin ends: `answers` by their value, `calls` by how long each takes."""
    for line in sys.stdin:
        command, *rest = line.split()
        if command in answers:
            answer = answers[command]()
        else:
            call, milliseconds = calls[command], float(rest[0])
            count, start = 0, time.perf_counter()
            while True:
                call()
                count += 1
                elapsed = 1000 * (time.perf_counter() - start)
                if elapsed >= milliseconds:
                    break
            answer = {"milliseconds": elapsed / count, "calls": count}
        print(json.dumps(answer), flush=True)
