"""Parameters as the job has them, each checked when it is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from perdura_trainer.ending import WrongParams


class Params:
    """Takes parameters by name. `done` complains about those that nobody took: a misspelt one is not ignored."""

    def __init__(self, given: Mapping[str, Any], within: str = "params") -> None:
        self._given = dict(given)
        self._within = within
        self._taken: set[str] = set()

    def whole(self, name: str, default: int, least: int = 1) -> int:
        value = self._take(name, default)
        # JSON has one kind of number: 100.0 is 100, True is none.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value) or value < least:
            raise self._wrong(name, f"a whole number of at least {least}", value)
        return int(value)

    def positive(self, name: str, default: float) -> float:
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
            raise self._wrong(name, "a number above 0", value)
        return float(value)

    def one_of(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self._take(name, default)
        if value not in choices:
            raise self._wrong(name, f"one of {', '.join(choices)}", value)
        return str(value)

    def wholes(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        value = self._take(name, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, int) and each > 0 for each in value):
            raise self._wrong(name, "a list of whole numbers above 0", value)
        return tuple(value)

    def mapping(self, name: str) -> dict[str, Any]:
        value = self._take(name, {})
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(name, "an object", value)
        return dict(value)

    def early_stopping(self) -> tuple[float, int] | None:
        """Share of the rows that is held out, and how many rounds without a better one are borne; None: train to the end."""
        given = self.mapping("earlyStopping")
        if not given:
            return None
        inner = Params(given, f"{self._within}.earlyStopping")
        share, patience = inner.positive("share", 0.1), inner.whole("patience", 20)
        inner.done()
        if share >= 1:
            raise inner._wrong("share", "a share below 1", share)
        return share, patience

    def done(self) -> None:
        unknown = sorted(set(self._given) - self._taken)
        if unknown:
            known = ", ".join(sorted(self._taken))
            raise WrongParams(f"{self._within} has no '{unknown[0]}'. There is: {known}.")

    def _take(self, name: str, default: Any) -> Any:
        self._taken.add(name)
        return self._given.get(name, default)

    def _wrong(self, name: str, wanted: str, value: Any) -> WrongParams:
        return WrongParams(f"{self._within}.{name} must be {wanted}, got {value!r}.")
