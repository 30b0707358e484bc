"""Trains a dense network with PyTorch, on a device of CUDA where the job names one, else on the CPU, and writes it as ONNX.

Params: `hidden` ([64, 32]), `epochs` (3), `batchSize` (1024), `learningRate` (0.002), `embedding` (8).
A checkpoint after each epoch holds everything that the next one starts from: a resumed training is the one that was interrupted.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

# Before CUDA starts: its matrix products are repeatable only with a workspace of fixed size.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from torch import nn

from perdura_trainer import DeviceMemoryExhausted, Graph, Job, Params, Rows, RunAgain, UnlearnableData, checkpoint, metric, progress, read_check, read_training, run, write_predictions

REPORT_EVERY = 200
"""Batches between two signs of life within an epoch."""


class Settings:
    def __init__(self, job: Job) -> None:
        params = Params(job.params)
        self.hidden = params.wholes("hidden", (64, 32))
        self.epochs = params.whole("epochs", 3)
        self.batch = params.whole("batchSize", 1024)
        self.learning_rate = params.positive("learningRate", 0.002)
        self.embedding = params.whole("embedding", 8)
        params.done()


class Network(nn.Module):
    """Standardised numbers beside an embedding of each category, then dense layers with ReLU between them."""

    def __init__(self, numbers: int, vocabularies: tuple[tuple[str, ...], ...], width: int, settings: Settings) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(len(each) + 1, settings.embedding) for each in vocabularies)
        sizes = [numbers + settings.embedding * len(vocabularies), *settings.hidden, width]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in zip(sizes, sizes[1:]))

    def forward(self, numbers: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        parts = [numbers, *(embedding(places[:, index]) for index, embedding in enumerate(self.embeddings))]
        value = torch.cat(parts, dim=1)
        for layer in self.layers[:-1]:
            value = torch.relu(layer(value))
        return self.layers[-1](value)


class Prepared:
    """Rows as tensors; an unseen category takes the last row of its embedding, and a regression's target is standardised."""

    def __init__(self, job: Job, rows: Rows) -> None:
        numbers = rows.numbers(job).astype(np.float64)
        self.mean = numbers.mean(axis=0).astype(np.float32)
        deviation = numbers.std(axis=0).astype(np.float32)
        self.deviation = np.where(deviation > 0, deviation, np.float32(1))
        self.sizes = np.array([len(each) for each in rows.vocabularies], dtype=np.int64)
        regresses = job.task == "regression"
        self.label_mean = float(rows.labels.mean()) if regresses else 0.0
        self.label_deviation = float(rows.labels.std()) if regresses else 1.0

    def inputs(self, job: Job, rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
        numbers = (rows.numbers(job) - self.mean) / self.deviation
        places = rows.ordinals(job).astype(np.int64)
        places = np.where(places < 0, self.sizes, places)
        return torch.from_numpy(np.ascontiguousarray(numbers)), torch.from_numpy(places)

    def labels(self, job: Job, rows: Rows) -> torch.Tensor:
        if job.task == "multiclass":
            return torch.from_numpy(rows.labels.astype(np.int64))
        return torch.from_numpy(((rows.labels - self.label_mean) / self.label_deviation).astype(np.float32))


def train(job: Job) -> None:
    settings = Settings(job)
    torch.set_num_threads(job.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = _device(job)
    rows = read_training(job)
    progress(f"{rows.count} rows read; trains on {_name_of(device)}")
    prepared = Prepared(job, rows)
    torch.manual_seed(job.seed)
    network = Network(len(job.numbers), rows.vocabularies, job.width, settings)
    try:
        _fit(job, settings, network.to(device), prepared, rows, device)
    except torch.OutOfMemoryError as error:
        raise DeviceMemoryExhausted(f"{_name_of(device)} has not enough memory for a batch of {settings.batch} rows. {str(error).splitlines()[0]}") from error
    network = network.to("cpu").eval()
    with torch.no_grad():
        numbers, places = prepared.inputs(job, read_check(job, rows))
        write_predictions(job, _answers(job, network(numbers, places), prepared))
    _export(job, rows, prepared, network)


def _device(job: Job) -> torch.device:
    if not job.devices:
        return torch.device("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if torch.cuda.is_available():
            return torch.device("cuda:0")
    # Training on the CPU after all would take the device's time for nothing.
    raise RunAgain(f"The job names the device {job.devices[0]}, but PyTorch {torch.__version__} finds no CUDA device. Look at the driver with 'nvidia-smi'.")


def _name_of(device: torch.device) -> str:
    return "the CPU" if device.type == "cpu" else torch.cuda.get_device_name(device)


def _fit(job: Job, settings: Settings, network: Network, prepared: Prepared, rows: Rows, device: torch.device) -> None:
    numbers, places = prepared.inputs(job, rows)
    labels = prepared.labels(job, rows)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    first = _resume(job, settings, network, optimiser, device)
    for epoch in range(first, settings.epochs):
        # Of its own for each epoch: what an earlier attempt drew does not matter.
        order = torch.randperm(rows.count, generator=torch.Generator().manual_seed(job.seed * 1_000_003 + epoch))
        total = 0.0
        for number, some in enumerate(order.split(settings.batch), start=1):
            optimiser.zero_grad(set_to_none=True)
            output = network(numbers[some].to(device), places[some].to(device))
            loss = _loss(job, output, labels[some].to(device))
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(some)
            if number % REPORT_EVERY == 0:
                progress(f"epoch {epoch + 1}, {number * settings.batch} of {rows.count} rows")
        if not np.isfinite(total):
            raise UnlearnableData(f"The loss of epoch {epoch + 1} is {total}: use a smaller learningRate than {settings.learning_rate}.")
        metric("loss", epoch + 1, total / rows.count)
        _save(job, settings, network, optimiser, epoch + 1)


def _loss(job: Job, output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if job.task == "multiclass":
        return nn.functional.cross_entropy(output, labels)
    if job.task == "binary":
        return nn.functional.binary_cross_entropy_with_logits(output[:, 0], labels)
    return nn.functional.mse_loss(output[:, 0], labels)


def _sameness(job: Job, settings: Settings) -> dict[str, Any]:
    """What must be equal for a checkpoint to be gone on from; fewer epochs may become more."""
    kept = {name: value for name, value in vars(settings).items() if name != "epochs"}
    return {**kept, "task": job.task, "seed": job.seed, "rows": job.rows, "numbers": job.numbers, "categories": job.categories, "classes": job.classes}


def _save(job: Job, settings: Settings, network: Network, optimiser: torch.optim.Optimizer, epoch: int) -> None:
    file = job.checkpoints / f"epoch-{epoch}.pt"
    part = file.with_suffix(".part")
    state = {"same": repr(_sameness(job, settings)), "epoch": epoch, "network": network.state_dict(), "optimiser": optimiser.state_dict()}
    with part.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(file)
    checkpoint(epoch, file)


def _resume(job: Job, settings: Settings, network: Network, optimiser: torch.optim.Optimizer, device: torch.device) -> int:
    """The epoch to go on with; a checkpoint that does not fit is told and left."""
    if job.resume_file is None:
        return 0
    state = _load(job.resume_file, device)
    if state is None or state["same"] != repr(_sameness(job, settings)) or state["epoch"] > settings.epochs:
        progress("The checkpoint is damaged or of another training: begins anew")
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    progress(f"goes on after epoch {state['epoch']}")
    return int(state["epoch"])


def _load(file: Path, device: torch.device) -> dict[str, Any] | None:
    try:
        # Tensors and plain values alone: a file from elsewhere runs no code.
        return torch.load(file, map_location=device, weights_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged file is told in a dozen kinds of errors
        progress(f"The checkpoint does not load: {str(error).splitlines()[0]}")
        return None


def _answers(job: Job, output: torch.Tensor, prepared: Prepared) -> np.ndarray:
    if job.task == "multiclass":
        return torch.softmax(output, dim=1).numpy()
    if job.task == "binary":
        return torch.sigmoid(output).numpy()
    return output.numpy() * prepared.label_deviation + prepared.label_mean


def _export(job: Job, rows: Rows, prepared: Prepared, network: Network) -> None:
    """Layer by layer: the exporters of PyTorch bring packages of their own and cannot put the categories' texts into the graph."""
    graph = Graph(job)
    parts = [graph.standardised(prepared.mean, prepared.deviation)] if job.numbers else []
    for index, (vocabulary, embedding) in enumerate(zip(rows.vocabularies, network.embeddings)):
        parts.append(graph.embedded(index, vocabulary, embedding.weight.detach().numpy()))
    value = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
    for number, layer in enumerate(network.layers):
        weight, bias = (graph.constant(each.detach().numpy()) for each in (layer.weight, layer.bias))
        value = graph.add("Gemm", value, weight, bias, transB=1)
        if number < len(network.layers) - 1:
            value = graph.add("Relu", value)
    graph.save(_output(graph, job, prepared, value))


def _output(graph: Graph, job: Job, prepared: Prepared, value: str) -> str:
    if job.task == "multiclass":
        return graph.add("Softmax", value, axis=1)
    if job.task == "binary":
        return graph.add("Sigmoid", value)
    scaled = graph.add("Mul", value, graph.constant(np.array(prepared.label_deviation, dtype=np.float32)))
    return graph.add("Add", scaled, graph.constant(np.array(prepared.label_mean, dtype=np.float32)))


if __name__ == "__main__":
    run(train)
