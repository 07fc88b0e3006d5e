"""The sampler in NumPy, batched, on one thread. Exit code 3 if NumPy is missing."""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys

try:
    import numpy as np
except ImportError as error:
    print(f"numpy_sample.py: {error}", file=sys.stderr)
    sys.exit(3)

from measure import measure

INPUTS = ((np.arange(128)[:, None] >> (6 - np.arange(7))) & 1).astype(np.float32)
# A column of ones makes the bias one more weight, and the first layer of all networks of a batch one product.
INPUTS_AND_ONE = np.concatenate([INPUTS, np.ones((128, 1), np.float32)], axis=1)


def open_sampler(seed, batch):
    rng = np.random.Generator(np.random.SFC64(seed))
    first_scale = np.array([[np.sqrt(2 / 7)]] * 7 + [[1]], np.float32)
    # The batch's large arrays are made once: fresh ones would be returned to the system and faulted in again each time.
    w1, w2, w3 = np.empty((batch, 8, 40), np.float32), np.empty((batch, 40, 40), np.float32), np.empty((batch, 40, 1), np.float32)
    b2, b3 = np.empty((batch, 1, 40), np.float32), np.empty((batch, 1, 1), np.float32)
    h1, h2 = np.empty((batch, 128, 40), np.float32), np.empty((batch, 128, 40), np.float32)
    out = np.empty((batch, 128, 1), np.float32)

    def sample(counts):
        for array in (w1, w2, w3, b2, b3):
            rng.standard_normal(out=array, dtype=np.float32)
        np.multiply(w1, first_scale, out=w1)
        np.multiply(w2, np.float32(np.sqrt(2 / 40)), out=w2)
        np.multiply(w3, np.float32(np.sqrt(2 / 40)), out=w3)
        np.matmul(INPUTS_AND_ONE, w1, out=h1)
        np.maximum(h1, 0, out=h1)
        np.matmul(h1, w2, out=h2)
        np.add(h2, b2, out=h2)
        np.maximum(h2, 0, out=h2)
        np.matmul(h2, w3, out=out)
        np.add(out, b3, out=out)
        counts.update(np.packbits(out[:, :, 0] > 0, axis=1).view("V16").ravel().tolist())

    return sample


if __name__ == "__main__":
    measure("numpy", f"numpy {np.__version__}, python {sys.version.split()[0]}", 32, open_sampler)
