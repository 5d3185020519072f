# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages as frozen dataclasses of plain JSON values, checked member by member when they arrive."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from ..errors import WildSegError
from ..prompts import PromptGroup, group_from_json, group_to_json
from .protocol import INVALID_PARAMS, ProtocolError


@dataclass(frozen=True)
class Params:
    """Base of the parameters and results in ``messages``.

    ``from_json`` is strict (missing, unknown and mistyped members raise ProtocolError), so that a bug on one
    side shows at once on the other, with the member's name.
    """

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Check and convert a JSON object; ProtocolError(INVALID_PARAMS) naming what is wrong."""
        if not isinstance(data, dict):
            raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: expected an object of named members.")
        known = {item.name: item for item in fields(cls)}
        if unknown := sorted(set(data) - set(known)):
            raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: unknown member {unknown[0]!r}.")
        types = cls._types()
        values = {}
        for name, value in data.items():
            try:
                values[name] = _convert(value, types[name])
            except (TypeError, ValueError) as error:
                raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: member {name!r} {error}.") from error
            except WildSegError as error:
                raise ProtocolError(INVALID_PARAMS, error.message) from error
        try:
            return cls(**values)
        except TypeError as error:
            raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: {error}.") from error

    @classmethod
    @functools.cache  # evaluating the annotations again for each message would be felt in the window
    def _types(cls) -> dict[str, Any]:
        return get_type_hints(cls)

    def to_json(self) -> dict[str, Any]:
        """The reverse of ``from_json``."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}


def _plain(value: Any) -> Any:
    if isinstance(value, Params):
        return value.to_json()
    if isinstance(value, PromptGroup):
        return group_to_json(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _convert(value: Any, kind: Any) -> Any:
    """``value`` as the annotated type ``kind``, for the few kinds that the messages use."""
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise ValueError("is not finite")
        return float(value)
    if kind in (int, str, bool):
        if type(value) is not kind:
            raise TypeError(f"must be {kind.__name__}, not {type(value).__name__}")
        return value
    if kind is PromptGroup:
        return group_from_json(value)
    if isinstance(kind, type) and issubclass(kind, Params):
        return kind.from_json(value)
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in args:
            raise ValueError(f"must be one of {', '.join(map(repr, args))}, not {value!r}")
        return value
    if origin is UnionType and type(None) in args:
        return None if value is None else _convert(value, args[0])
    if origin is tuple and isinstance(value, list):
        return tuple(_convert(item, args[0]) for item in value)
    if origin is dict and isinstance(value, dict):
        return {str(key): _convert(item, args[1]) for key, item in value.items()}
    raise TypeError(f"cannot be {type(value).__name__}")
