"""Gradient and Hessian-vector product by PyTorch's autograd (double backward), one thread. Exit code 3 if it is missing.

usage: torch_training.py CASE, then commands on stdin: check | gradient MS | product MS
"""

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys

try:
    import torch
    import torch.nn.functional as F

    torch.zeros(1).numpy()
except (ImportError, RuntimeError) as error:
    print(f"torch_training.py: {error}", file=sys.stderr)
    sys.exit(3)

from measure import loaded_blas
from serve import read_case, serve

torch.set_num_threads(1)


def network_loss(loss_name):
    """The mean loss of a list [weights, biases, ...] on inputs and targets."""

    def loss_of(parameters, inputs, targets):
        a = inputs
        for k in range(0, len(parameters), 2):
            a = F.linear(a, parameters[k], parameters[k + 1])
            if k + 2 < len(parameters):
                a = torch.relu(a)
        if loss_name == "bce":
            return F.binary_cross_entropy_with_logits(a.view(-1), targets)
        return F.cross_entropy(a, targets)

    return loss_of


def main():
    sizes, loss_name, inputs, targets, parameters, direction = read_case(sys.argv[1])
    inputs, targets = torch.from_numpy(inputs), torch.from_numpy(targets)
    if loss_name == "ce":
        targets = targets.long()
    w = [torch.from_numpy(p).requires_grad_() for p in parameters]
    v = [torch.from_numpy(p) for p in direction]
    loss_of = network_loss(loss_name)

    def gradient():
        return torch.autograd.grad(loss_of(w, inputs, targets), w)

    def product():
        g = torch.autograd.grad(loss_of(w, inputs, targets), w, create_graph=True)
        return torch.autograd.grad(g, w, grad_outputs=v)

    def check():
        dot = lambda x, y: sum((a.double() * b.double()).sum().item() for a, b in zip(x, y))
        g, hv = gradient(), product()
        return {
            "version": f"torch {torch.__version__}, {loaded_blas()}",
            "loss": loss_of(w, inputs, targets).item(),
            "gradient": dot(g, g) ** 0.5,
            "slope": dot(g, v),
            "product": dot(hv, hv) ** 0.5,
            "curvature": dot(hv, v),
        }

    serve({"check": check}, {"gradient": gradient, "product": product})


if __name__ == "__main__":
    main()
