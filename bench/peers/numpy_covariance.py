"""Cholesky and expectation propagation in NumPy and SciPy: `numpy_covariance.py MATRIX LABELS N`, files of f64.

Commands on stdin: check | cholesky MS | ep TOLERANCE NOISE. Expectation propagation as one writes it: parallel updates, damped
by 0.7, with Sigma from triangular solves [Rasmussen & Williams 2006, equations 3.53 to 3.65].
"""

import json
import sys
import time

try:
    import numpy as np
    import scipy
    from scipy.linalg import lapack, solve_triangular
    from scipy.special import log_ndtr
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

n = int(sys.argv[3])
kernel = np.asfortranarray(np.fromfile(sys.argv[1], "<f8").reshape(n, n))
y = np.fromfile(sys.argv[2], "<f8")
DAMPING = 0.7


def cholesky(matrix):
    lower, info = lapack.dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
    if info:
        raise ValueError(f"dpotrf: {info}")
    return lower


def propagate(tolerance, noise):
    tau, nu = np.zeros(n), np.zeros(n)
    start = time.perf_counter()
    for iteration in range(1, 1001):
        root = np.sqrt(tau)
        lower = cholesky(np.asfortranarray(np.eye(n) + root[:, None] * kernel * root))
        v = solve_triangular(lower, root[:, None] * kernel, lower=True, check_finite=False, overwrite_b=True)
        sigma = np.diag(kernel) - np.einsum("ij,ij->j", v, v)
        mu = kernel @ nu - v.T @ (v @ nu)
        t = 1 / sigma - tau
        m = (mu / sigma - nu) / t
        scale = np.sqrt(1 / t + noise)
        z = y * m / scale
        log_z = log_ndtr(z)
        h = np.exp(-0.5 * z * z - 0.5 * np.log(2 * np.pi) - log_z)
        mean = m + y * h / (t * scale)
        variance = 1 / t - h * (z + h) / (t * scale) ** 2
        total = log_z.sum() - np.log(np.diag(lower)).sum() + 0.5 * np.log1p(tau / t).sum()
        total += 0.5 * (nu @ mu - (nu * nu / (t + tau)).sum() + (m * t / (tau + t) * (tau * m - 2 * nu)).sum())
        change = max(np.max(np.abs(mean - mu) / np.sqrt(sigma)), np.max(np.abs(variance / sigma - 1)))
        if change <= tolerance:
            break
        share = DAMPING if iteration > 1 else 1
        tau, nu = (
            np.maximum(0, tau + share * (1 / variance - t - tau)),
            nu + share * (mean / variance - m * t - nu),
        )
    milliseconds = 1000 * (time.perf_counter() - start)
    return {"logP": total, "iterations": iteration, "converged": bool(change <= tolerance), "milliseconds": milliseconds}


for line in sys.stdin:
    command, *rest = line.split()
    if command == "check":
        diagonal = np.diag(cholesky(kernel.copy(order="F")))
        answer = {"version": f"NumPy {np.__version__}, SciPy {scipy.__version__}", "logDeterminant": 2 * np.log(diagonal).sum()}
    elif command == "cholesky":
        count, spent = 0, 0.0
        while spent < float(rest[0]) / 1000:
            copy = kernel.copy(order="F")
            start = time.perf_counter()
            cholesky(copy)
            spent += time.perf_counter() - start
            count += 1
        answer = {"milliseconds": 1000 * spent / count, "calls": count}
    else:
        answer = propagate(float(rest[0]), float(rest[1]))
    print(json.dumps(answer), flush=True)
