"""The sampler in PyTorch, batched, on one thread. Exit code 3 if PyTorch or its NumPy bridge is missing."""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys

try:
    import numpy as np
    import torch

    torch.zeros(1).numpy()
except (ImportError, RuntimeError) as error:
    print(f"torch_sample.py: {error}", file=sys.stderr)
    sys.exit(3)

from measure import measure

torch.set_num_threads(1)
torch.set_grad_enabled(False)

BITS = (torch.arange(128)[:, None] >> (6 - torch.arange(7))) & 1
INPUTS_AND_ONE = torch.cat([BITS.float(), torch.ones(128, 1)], dim=1)  # the bias as one more weight


def open_sampler(seed, batch):
    generator = torch.Generator().manual_seed(seed)
    first_scale = torch.tensor([[(2 / 7) ** 0.5]] * 7 + [[1.0]])
    x = INPUTS_AND_ONE.expand(batch, 128, 8)
    w1, w2, w3 = torch.empty(batch, 8, 40), torch.empty(batch, 40, 40), torch.empty(batch, 40, 1)
    b2, b3 = torch.empty(batch, 1, 40), torch.empty(batch, 1, 1)
    h1, h2, out = torch.empty(batch, 128, 40), torch.empty(batch, 128, 40), torch.empty(batch, 128, 1)

    def sample(counts):
        w1.normal_(generator=generator).mul_(first_scale)
        w2.normal_(std=(2 / 40) ** 0.5, generator=generator)
        w3.normal_(std=(2 / 40) ** 0.5, generator=generator)
        b2.normal_(generator=generator)
        b3.normal_(generator=generator)
        torch.bmm(x, w1, out=h1).relu_()
        torch.baddbmm(b2, h1, w2, out=h2).relu_()
        torch.baddbmm(b3, h2, w3, out=out)
        counts.update(np.packbits((out[:, :, 0] > 0).numpy(), axis=1).view("V16").ravel().tolist())

    return sample


if __name__ == "__main__":
    measure("pytorch", f"torch {torch.__version__}, python {sys.version.split()[0]}", 32, open_sampler)
