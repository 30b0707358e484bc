"""Builds model.onnx node by node: the same inputs and output whatever library trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from perdura_trainer.job import Job

# What ONNX Runtime 1.30 takes, and older ones do: the onnx package by itself writes newer ones, which it refuses.
IR_VERSION, OPSET, ML_OPSET = 8, 17, 3
ML = "ai.onnx.ml"

_outputs = {"binary": "probability", "multiclass": "probabilities", "regression": "prediction"}


class Graph:
    """A graph under construction. Each method adds a node and gives the name of its output."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._names = 0

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = self._fresh(op)
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, value: np.ndarray) -> str:
        name = self._fresh("constant")
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def ordinal(self, index: int, vocabulary: tuple[str, ...], unseen: int) -> str:
        """The place of a category in its vocabulary: int64 [rows, 1]."""
        column = self.add("Gather", "categories", self.constant(np.array([index], dtype=np.int64)), axis=1)
        return self.add(
            "LabelEncoder",
            column,
            domain=ML,
            # An encoder without a key does not load: no text of a feature is this one by accident.
            keys_strings=list(vocabulary) or ["\0"],
            values_int64s=list(range(len(vocabulary))) or [unseen],
            default_int64=unseen,
        )

    def features(self, vocabularies: tuple[tuple[str, ...], ...]) -> str:
        """All features as trees take them: float [rows, numbers + categories], an unseen category is -1."""
        parts = ["numbers"] if self._job.numbers else []
        for index, vocabulary in enumerate(vocabularies):
            parts.append(self.add("Cast", self.ordinal(index, vocabulary, -1), to=TensorProto.FLOAT))
        return parts[0] if len(parts) == 1 else self.add("Concat", *parts, axis=1)

    def standardised(self, mean: np.ndarray, deviation: np.ndarray) -> str:
        """The numbers less their mean, by their deviation: float [rows, numbers]."""
        centred = self.add("Sub", "numbers", self.constant(mean.astype(np.float32)))
        return self.add("Div", centred, self.constant(deviation.astype(np.float32)))

    def embedded(self, index: int, vocabulary: tuple[str, ...], table: np.ndarray) -> str:
        """A row of `table` [vocabulary + 1, width] for each category, the last for an unseen one: float [rows, width]."""
        place = self.ordinal(index, vocabulary, len(vocabulary))
        row = self.add("Squeeze", place, self.constant(np.array([1], dtype=np.int64)))
        return self.add("Gather", self.constant(table.astype(np.float32)), row, axis=0)

    def save(self, answer: str) -> None:
        """Writes output/model.onnx with `answer`, float [rows, width], as the task's output."""
        job, name = self._job, _outputs[self._job.task]
        self._nodes.append(helper.make_node("Identity", [answer], [name], name=name))
        inputs = [
            helper.make_tensor_value_info(each, kind, ["rows", width])
            for each, kind, width in (
                ("numbers", TensorProto.FLOAT, len(job.numbers)),
                ("categories", TensorProto.STRING, len(job.categories)),
            )
            if width > 0
        ]
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", job.width])]
        graph = helper.make_graph(self._nodes, "model", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="perdura")
        onnx.checker.check_model(model)
        job.output.mkdir(parents=True, exist_ok=True)
        onnx.save_model(model, str(job.output / "model.onnx"))

    def _fresh(self, stem: str) -> str:
        self._names += 1
        return f"{stem}-{self._names}"
