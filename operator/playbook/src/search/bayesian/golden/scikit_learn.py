"""What scikit-learn's GaussianProcessRegressor says with given hyperparameters: the surrogate must say the same.

    pip install scikit-learn==1.7.2 && python scikit_learn.py > scikit_learn.json
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

SETTINGS = [
    # points, dimensions, length scales, variance, noise
    (12, 2, [0.3, 0.7], 1.0, 1e-6),
    (40, 3, [0.2, 1.5, 0.6], 2.3, 1e-3),
    (60, 8, [0.5, 0.9, 1.3, 2.0, 3.0, 0.7, 1.1, 5.0], 0.8, 0.05),
]


def case(n: int, d: int, length_scales: list[float], variance: float, noise: float) -> dict[str, object]:
    rng = np.random.default_rng(n)
    points = rng.uniform(size=(n, d))
    targets = np.sin(5 * points[:, 0]) + points[:, -1] ** 2 + 0.1 * rng.normal(size=n)
    at = rng.uniform(size=(10, d))
    kernel = ConstantKernel(variance) * Matern(length_scales, nu=2.5) + WhiteKernel(noise)
    process = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(points, targets)
    mean, deviation = process.predict(at, return_std=True)
    # Its deviation counts the white noise of a new observation; the surrogate's is that of the value itself.
    value = np.sqrt(deviation**2 - noise)
    theta = process.kernel_.theta
    likelihood, gradient = process.log_marginal_likelihood(theta, eval_gradient=True)
    return {
        "lengthScales": length_scales,
        "variance": variance,
        "noise": noise,
        "points": points.tolist(),
        "targets": targets.tolist(),
        "at": at.tolist(),
        "mean": mean.tolist(),
        "deviation": value.tolist(),
        "logMarginalLikelihood": float(likelihood),
        # By the logarithms of the variance, the length scales and the noise.
        "gradient": gradient.tolist(),
    }


def main() -> None:
    cases = [case(*setting) for setting in SETTINGS]
    json.dump({"scikitLearn": sklearn.__version__, "cases": cases}, sys.stdout, indent=None)
    print()


if __name__ == "__main__":
    main()
