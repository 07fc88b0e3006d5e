"""What the Python peers share: the command line, the warm-up, the clock and the one line of JSON."""

import argparse
import json
import time
from collections import Counter


def loaded_blas():
    """Which BLAS this process has mapped: with the reference BLAS both peers are several times slower than they can be."""
    try:
        with open("/proc/self/maps") as maps:
            return "OpenBLAS" if "openblas" in maps.read() else "no OpenBLAS"
    except OSError:
        return "BLAS unknown"


def measure(name, version, default_batch, open_sampler):
    """`open_sampler(seed, batch)` gives a function that draws `batch` networks and adds their 16-byte keys to a Counter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=float, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=default_batch, help="networks a batch; samples are rounded up to it")
    options = parser.parse_args()
    batches = -(-int(options.samples) // options.batch)
    sample = open_sampler(options.seed, options.batch)

    warm_up_ends = time.perf_counter() + 0.5
    while time.perf_counter() < warm_up_ends:
        sample(Counter())

    counts = Counter()
    start = time.perf_counter()
    for _ in range(batches):
        sample(counts)
    seconds = time.perf_counter() - start

    samples = batches * options.batch
    print(
        json.dumps(
            {
                "name": name,
                "version": f"{version}, {loaded_blas()}",
                "samples": samples,
                "seconds": seconds,
                "samplesPerSecond": samples / seconds,
                "pAllZero": counts[bytes(16)] / samples,
                "pAllOne": counts[b"\xff" * 16] / samples,
                "distinct": len(counts),
            }
        )
    )
