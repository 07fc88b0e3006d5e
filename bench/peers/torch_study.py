"""The study's training and sharpness in PyTorch, one thread. Exit code 3 if it is missing.

usage: torch_study.py CASE ORDERS, then on stdin the command: study

SGD at 0.01 in minibatches of 32 to zero error, then Keskar's sharpness by the study's protocol: gradient ascent at 0.001 in
minibatches of 32, projected to |d| <= 1e-4 (|w| + 1), the full loss after each step. ORDERS holds the points' order in every
epoch: u32 epochs of training, of ascent, points; u32 [epochs][points].
"""

import sys
import time

from torch_training import network_loss, torch  # first: it sets the threads

import numpy as np
from measure import loaded_blas
from serve import read_case, serve

BATCH = 32


def main():
    _, loss_name, inputs, targets, parameters, _ = read_case(sys.argv[1])
    with open(sys.argv[2], "rb") as file:
        training, ascent, points = (int(n) for n in np.fromfile(file, "<u4", 3))
        orders = np.fromfile(file, "<u4", (training + ascent) * points).reshape(-1, points).astype(np.int64)
    orders = torch.from_numpy(orders)
    inputs, targets = torch.from_numpy(inputs), torch.from_numpy(targets)
    start = [torch.from_numpy(p) for p in parameters]
    loss_of = network_loss(loss_name)
    labels = targets > 0.5

    def outputs(w):
        a = inputs
        for k in range(0, len(w), 2):
            a = torch.nn.functional.linear(a, w[k], w[k + 1])
            if k + 2 < len(w):
                a = torch.relu(a)
        return a.view(-1)

    def steps(w, order, rate, after=lambda: None):
        """One epoch; the points are brought into order once."""
        x, t = inputs[order], targets[order]
        for first in range(0, points, BATCH):
            g = torch.autograd.grad(loss_of(w, x[first : first + BATCH], t[first : first + BATCH]), w)
            with torch.no_grad():
                torch._foreach_add_(w, g, alpha=rate)
                after()

    def study():
        w = [p.clone().requires_grad_() for p in start]
        began = time.perf_counter()
        epochs = 0
        while epochs < training:
            with torch.no_grad():
                if torch.equal(outputs(w) > 0, labels):
                    break
            steps(w, orders[epochs], -0.01)
            epochs += 1
        trained = time.perf_counter()

        with torch.no_grad():
            centre = loss_of(w, inputs, targets).item()
            boxes = [(p - 1e-4 * (p.abs() + 1), p + 1e-4 * (p.abs() + 1)) for p in w]
            best, point = centre, [p.clone() for p in w]

        def look():
            nonlocal best, point
            for p, (low, high) in zip(w, boxes):
                p.clamp_(low, high)
            reached = loss_of(w, inputs, targets).item()
            if reached > best:
                best, point = reached, [p.clone() for p in w]

        for epoch in range(ascent):
            steps(w, orders[training + epoch], 0.001, look)
        ended = time.perf_counter()
        batches = -(-points // BATCH)
        return {
            "version": f"torch {torch.__version__}, {loaded_blas()}",
            "trainingSeconds": trained - began,
            "epochs": epochs,
            "steps": epochs * batches,
            "sharpnessSeconds": ended - trained,
            "sharpnessSteps": ascent * batches,
            "loss": centre,
            "maximalLoss": best,
        }

    serve({"study": study}, {})


if __name__ == "__main__":
    main()
