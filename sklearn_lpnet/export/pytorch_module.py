"""A fitted network as a PyTorch module."""

import numpy as np
import torch
from torch import Tensor, nn

from ..network.network import Network


class SparseReLU(nn.Module):
    r"""The active neurons of a network, over the features that it reads.

    .. math::

        f(x) = \sum_k a_k \max(0, \theta_k \cdot x + \beta_k) + A x + c

    Parameters
    ----------
    network : Network
        The network.

    flat : bool
        Whether the outputs of a batch have shape (n_samples,), rather than
        (n_samples, n_outputs).

    Attributes
    ----------
    theta : Parameter of shape (n_neurons, n_used)
        Input weights :math:`\theta`, of the used features alone.

    bias : Parameter of shape (n_neurons,)
        Biases :math:`\beta`.

    direction : Parameter of shape (n_neurons, n_outputs)
        Output weights :math:`a`.

    skip : Parameter of shape (n_outputs, n_used)
        Skip connection :math:`A`.

    intercept : Parameter of shape (n_outputs,)
        Intercept :math:`c`.

    used_features : Tensor of shape (n_used,)
        Buffer with the columns that are read.
    """

    used_features: Tensor

    def __init__(self, network: Network, *, flat: bool) -> None:
        super().__init__()
        network = network.compact()
        used = network.used_features
        self.n_features = network.n_features
        self.flat = flat
        self.register_buffer("used_features", torch.from_numpy(used.astype(np.int64)))
        self.theta = _parameter(network.theta[:, used])
        self.bias = _parameter(network.bias)
        self.direction = _parameter(network.direction)
        self.skip = _parameter(network.skip[:, used])
        self.intercept = _parameter(network.intercept)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs for x of shape (..., n_features), in the dtype of the parameters."""
        if x.shape[-1] != self.n_features:
            raise ValueError(f"x must have {self.n_features} features, got {x.shape[-1]}.")
        x = x.index_select(-1, self.used_features).to(self.theta.dtype)
        hidden = torch.relu(x @ self.theta.T + self.bias)
        outputs = hidden @ self.direction + x @ self.skip.T + self.intercept
        return outputs.squeeze(-1) if self.flat else outputs


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values.astype(np.float64)))
