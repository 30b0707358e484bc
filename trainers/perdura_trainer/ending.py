"""How a trainer ends: each kind of failure has an exit code of the contract."""

from __future__ import annotations

import sys
from collections.abc import Callable

from perdura_trainer.job import Job, read_job

WRONG_PARAMS, UNLEARNABLE, DEVICE_MEMORY, AGAIN = 64, 65, 71, 75


class WrongParams(Exception):
    """A parameter does not hold up; the message names it."""


class UnlearnableData(Exception):
    """The rows cannot be learned from: one class only, a target that never changes."""


class DeviceMemoryExhausted(Exception):
    """The device's memory does not suffice; a smaller batch may."""


class RunAgain(Exception):
    """The same attempt may go well another time."""


_codes: dict[type[Exception], int] = {
    WrongParams: WRONG_PARAMS,
    UnlearnableData: UNLEARNABLE,
    DeviceMemoryExhausted: DEVICE_MEMORY,
    RunAgain: AGAIN,
}


def run(train: Callable[[Job], None]) -> None:
    """Runs a trainer on its job and ends the process; an error without a code of its own ends it with Python's traceback."""
    try:
        train(read_job())
    except tuple(_codes) as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(_codes[type(error)])
