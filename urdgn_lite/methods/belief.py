"""Min-sum belief propagation on a grid: which candidate to take at every place."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def energy(
    unary: Float[Tensor, "b r c k"],
    right: Float[Tensor, "b r c-1 k k"],
    down: Float[Tensor, "b r-1 c k k"],
    labels: Int[Tensor, "b r c"],
) -> Float[Tensor, " b"]:
    """What a choice costs: Σ unary of the chosen, plus the costs of all pairs of neighbours.

    `right[b, i, j, p, q]` is the cost of p at (i, j) beside q at (i, j + 1); `down` likewise of p
    above q.
    """
    cost = unary.gather(3, labels[..., None]).sum((1, 2, 3))
    cost = cost + _of_pairs(right, labels[:, :, :-1], labels[:, :, 1:])
    return cost + _of_pairs(down, labels[:, :-1], labels[:, 1:])


def _of_pairs(
    pair: Float[Tensor, "b r c k k"], first: Int[Tensor, "b r c"], second: Int[Tensor, "b r c"]
) -> Float[Tensor, " b"]:
    rows = first[..., None, None].expand(*first.shape, 1, pair.shape[-1])
    return pair.gather(3, rows)[..., 0, :].gather(3, second[..., None]).sum((1, 2, 3))


def min_sum(
    unary: Float[Tensor, "b r c k"],
    right: Float[Tensor, "b r c-1 k k"],
    down: Float[Tensor, "b r-1 c k k"],
    iterations: int,
) -> Int[Tensor, "b r c"]:
    """The choice of least `energy` that belief propagation meets.

    A message says, for each candidate of the receiver, what the best choice behind the sender
    costs (max-product, in negative logarithms). On a chain or a tree the result is exact after as
    many iterations as the longest path is long. On a grid with loops the beliefs may swing, so the
    best choice met is returned: it never costs more than taking the smallest unary cost everywhere.
    """
    from_left, from_right, from_above, from_below = (torch.zeros_like(unary) for _ in range(4))
    belief, labels = unary, unary.argmin(3)
    best, least = labels, energy(unary, right, down, labels)
    for _ in range(iterations):
        # what a node tells a neighbour leaves out what this neighbour told it
        to_right = _message((belief - from_right)[:, :, :-1], right)
        to_left = _message((belief - from_left)[:, :, 1:], right.mT)
        to_below = _message((belief - from_below)[:, :-1], down)
        to_above = _message((belief - from_above)[:, 1:], down.mT)
        from_left[:, :, 1:], from_right[:, :, :-1] = to_right, to_left
        from_above[:, 1:], from_below[:, :-1] = to_below, to_above
        belief = unary + from_left + from_right + from_above + from_below
        labels = belief.argmin(3)
        cost = energy(unary, right, down, labels)
        best = torch.where((cost < least)[:, None, None], labels, best)
        least = torch.minimum(cost, least)
    return best


def _message(
    cost: Float[Tensor, "b r c k"], pair: Float[Tensor, "b r c k k"]
) -> Float[Tensor, "b r c k"]:
    """min over the sender's candidates (of `cost`, and the rows of `pair`); the least is zero."""
    message = (cost[..., None] + pair).amin(3)
    return message - message.amin(3, keepdim=True)
