"""Decision trees as one ONNX tree ensemble, exactly.

The general converters round a threshold to the nearest 32-bit float, so that a value between the two goes the other way. Here it is
rounded down: for a 32-bit x, `x <= t` and `x <= floor32(t)` are the same. Sets of categories become a chain of equality nodes that
share their target, which ONNX Runtime takes back into one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdura_trainer.graph import ML, Graph

_LEQ, _EQ, _LEAF = 0, 1, 2
_modes = np.array(["BRANCH_LEQ", "BRANCH_EQ", "LEAF"])
_NODES = ("nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids", "nodes_falsenodeids")


@dataclass(frozen=True)
class Tree:
    """One tree; node 0 is its root. Arrays have a place for each node, those of a leaf's branch do not count."""

    leaf: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    yes: np.ndarray
    """Where `x <= threshold` leads, or `x in members`."""
    no: np.ndarray
    members: dict[int, list[int]]
    """Of the nodes that ask for a set of categories."""
    weights: np.ndarray
    """What a leaf adds: [nodes, targets]."""
    targets: tuple[int, ...]
    """Which columns of the answer it adds to."""


def add_trees(graph: Graph, features: str, trees: list[Tree], width: int) -> str:
    """Adds trees and gives the sums of their leaves: float [rows, width]."""
    nodes: dict[str, list[np.ndarray]] = {name: [] for name in ("nodes_treeids", *_NODES)}
    leaves: dict[str, list[np.ndarray]] = {name: [] for name in ("target_treeids", "target_nodeids", "target_ids", "target_weights")}
    for number, tree in enumerate(trees):
        columns = _columns(tree)
        nodes["nodes_treeids"].append(np.full(len(columns[0]), number))
        for name, column in zip(_NODES, columns):
            nodes[name].append(column)
        ids = np.flatnonzero(tree.leaf)
        count = len(ids) * len(tree.targets)
        leaves["target_treeids"].append(np.full(count, number))
        leaves["target_nodeids"].append(np.repeat(ids, len(tree.targets)))
        leaves["target_ids"].append(np.tile(np.array(tree.targets), len(ids)))
        leaves["target_weights"].append(tree.weights[ids].astype(np.float32).ravel())
    whole = {name: np.concatenate(pieces) for name, pieces in {**nodes, **leaves}.items()}
    whole["nodes_modes"] = _modes[whole["nodes_modes"]]
    attributes = {name: values.tolist() for name, values in whole.items()}
    return graph.add(
        "TreeEnsembleRegressor", features, domain=ML, n_targets=width, aggregate_function="SUM", post_transform="NONE", **attributes
    )


def _columns(tree: Tree) -> list[np.ndarray]:
    """Node ids, features, values, modes, and where yes and no lead; chains of equalities come behind the tree's own nodes."""
    feature = np.where(tree.leaf, 0, tree.feature)
    value = np.where(tree.leaf, np.float32(0), _floor32(tree.threshold))
    mode = np.where(tree.leaf, _LEAF, _LEQ)
    yes, no = (np.where(tree.leaf, 0, side) for side in (tree.yes, tree.no))
    chain: list[tuple[int, float, int, int]] = []
    for node, members in tree.members.items():
        mode[node], value[node] = _EQ, members[0]
        follower = int(no[node])
        for member in reversed(members[1:]):
            chain.append((int(feature[node]), float(member), int(yes[node]), follower))
            follower = len(tree.leaf) + len(chain) - 1
        no[node] = follower
    own = [np.arange(len(tree.leaf)), feature, value.astype(np.float32), mode, yes, no]
    if not chain:
        return own
    of, equal, then, otherwise = (np.array(column) for column in zip(*chain))
    ids = np.arange(len(tree.leaf), len(tree.leaf) + len(chain))
    added = [ids, of, equal.astype(np.float32), np.full(len(chain), _EQ), then, otherwise]
    return [np.concatenate(pair) for pair in zip(own, added)]


def _floor32(threshold: np.ndarray) -> np.ndarray:
    """The largest 32-bit float that is not above."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
    return np.where(nearest > threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)


def members_of(words: np.ndarray) -> list[int]:
    """The categories of a set whose bits lie in 32-bit words."""
    return np.flatnonzero(np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")).tolist()
