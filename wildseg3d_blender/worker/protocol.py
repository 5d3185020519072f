# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the worker say to each other: JSON-RPC 2.0, one message a line, UTF-8.

Blender asks and the worker answers; there is one worker per Blender, and it runs one job at a time, in
the order asked. Arrays never travel here: results name a scene folder that both sides map.

    initialize   Initialize    -> Initialized     first, or everything else is refused
    reconstruct  Reconstruct   -> Reconstructed
    key_frames   KeyFrames     -> TakenFrames     a video's; both in ``photo_messages``, as are
    check_photos CheckPhotos   -> CheckedPhotos   what is wrong with photos, before reconstructing
    find_objects FindObjects   -> FoundObjects    at once where the scene's cache is there already
    prepare      Prepare       -> Prepared        what takes seconds before prompts can be solved
    preview      Preview       -> Previewed       masks to look at; no object is written
    segment      Segment       -> Segmented
    realign      Realign       -> Realigned
    shutdown     (nothing)     -> null            and the worker ends
    cancel       Cancel        notification to the worker: stop the request of that id
    progress     ProgressReport notification from the worker: how far the request of that id is
    early        EarlyPreview  notification from the worker: about what the preview of that id will show

A preview that was asked for with ``early`` may be told once before it is answered. Whoever does not want
that, or knows no such message, waits for the answer: it is the same.

A failed request is answered by a JSON-RPC error. What an artist can cause carries
``data = {"code": WildSegError.code, "fix": operator or null}`` and becomes the same exception again on
this side; a bug in the worker carries ``data = {"traceback": text}``.

A request is cancelled in steps, each with its deadline after the one before failed: the message, which
work hears at its next progress call; an interrupt of the worker's main thread (the worker does that to
itself, so it works on every system); terminate and kill from Blender's side.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from ..errors import ERROR_BY_CODE, Cancelled, WildSegError, WorkerError
from ..prompts import PromptGroup, group_from_json, group_to_json
from ..reconstruct_settings import ALPHA_N, ALPHA_P, IMAGE_SIZE, ITERATIONS, KEY_FRAMES, MIN_CONFIDENCE
from ..scene.objects import Shared

PROTOCOL_VERSION = 4

INTERRUPT_AFTER = 0.25
TERMINATE_AFTER = 0.6
KILL_AFTER = 0.8
"""Seconds after the cancel message; a cancelled request is over within a second whatever it does."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
NOT_INITIALIZED = -32002
CANCELLED = -32800
USER_ERROR = -32000


class ProtocolError(Exception):
    """A message that breaks the protocol; ``code`` is JSON-RPC's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Params:
    """Base of the parameters and results below: frozen dataclasses of plain JSON values.

    ``from_json`` is strict (missing, unknown and mistyped members raise ProtocolError), so that a bug on one
    side shows at once on the other, with the member's name.
    """

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Check and convert a JSON object; ProtocolError(INVALID_PARAMS) naming what is wrong."""
        if not isinstance(data, dict):
            raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: expected an object of named members.")
        known = {item.name: item for item in fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(data) - set(known)):
            raise ProtocolError(INVALID_PARAMS, f"{cls.__name__}: unknown member {unknown[0]!r}.")
        types = get_type_hints(cls)
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

    def to_json(self) -> dict[str, Any]:
        """The reverse of ``from_json``."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Initialize(Params):
    """The first request: which protocol the asking side speaks."""

    protocol_version: int


@dataclass(frozen=True)
class Initialized(Params):
    """The worker is ready. ``version`` is the package's, ``python`` the interpreter's, both for reports;
    ``scratch`` is the worker's folder of temporary files, to be removed by who has to kill it."""

    protocol_version: int
    version: str
    python: str
    pid: int
    scratch: str


@dataclass(frozen=True)
class Reconstruct(Params):
    """Make a scene. ``photos``: absolute paths of photos, of folders of them, or of videos; ``folder``: the
    scene folder to write;
    ``quality``: "fast", "balanced" or "fine", where the engine knows them;
    ``image_size``: longer side of the views' pixel grid; ``dga``, ``alpha_p``, ``alpha_n``: how the
    alignment weights pixels; ``iterations``: of the alignment at most; ``min_confidence``: pixels measured
    with less get no point; ``key_frames``: how many frames a video among ``photos`` gives, about."""

    photos: tuple[str, ...]
    folder: str
    engine: str = "stereo"
    image_size: int = IMAGE_SIZE.default
    dga: bool = True
    alpha_p: float = ALPHA_P.default
    alpha_n: float = ALPHA_N.default
    quality: str = "balanced"
    iterations: int = ITERATIONS.default
    min_confidence: float = MIN_CONFIDENCE.default
    key_frames: int = KEY_FRAMES.default


@dataclass(frozen=True)
class Skipped(Params):
    """A photo that could not be placed: why, and what would help."""

    photo: str
    reason: str
    advice: str


@dataclass(frozen=True)
class Reconstructed(Params):
    """A scene was written to ``scene``. ``points``: pixels with a 3D point, all views together;
    ``seconds``: wall time by stage."""

    scene: str
    views: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    points: int


@dataclass(frozen=True)
class FindObjects(Params):
    """Find the objects of the scene folder ``scene`` before anybody asks for them: fill its mask cache.

    Cancelled and asked again, it goes on from where it was, as long as the scene stays open here."""

    scene: str
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class FoundObjects(Params):
    """The scene's mask cache is there. ``count``: its objects; ``parts``: those that are parts of others."""

    count: int
    parts: int


@dataclass(frozen=True)
class Prepare(Params):
    """Make ready for prompts on the scene folder ``scene``; those that come sooner wait for it.

    Cancelled and asked again, it goes on from where it was."""

    scene: str
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class Prepared(Params):
    """Ready, as long as that scene stays open in the worker."""

    segmenter: str


@dataclass(frozen=True)
class Preview(Params):
    """What Segment would find for ``groups``, to look at. ``early``: where that has to be solved, say roughly
    what it will be as soon as possible, by an EarlyPreview."""

    scene: str
    groups: tuple[PromptGroup, ...]
    segmenter: str = "graphcut"
    early: bool = False


@dataclass(frozen=True)
class EarlyPreview(Params):
    """Masks were written to ``folder``, as for Previewed: about what the request of that id will find."""

    id: int
    folder: str


@dataclass(frozen=True)
class Previewed(Params):
    """Masks were written to ``folder``: read them with ``scene.previews.read_preview``, at once.

    ``cached``: nothing had to be solved; ``larger``, ``smaller``: whether each group's size can go up or down
    from where it is; ``warnings``: sentences for the artist."""

    folder: str
    cached: bool
    larger: tuple[bool, ...]
    smaller: tuple[bool, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Segment(Params):
    """Cut an object out of the scene folder ``scene``, or refine the one of that name.

    ``groups``: all of the object's prompts so far, in view pixels; ``shared``: whether it takes points that
    other objects claim too, or leaves them (see ``scene.ownership.order_for``)."""

    scene: str
    object: str
    groups: tuple[PromptGroup, ...]
    shared: Shared = "take"
    segmenter: str = "graphcut"


@dataclass(frozen=True)
class Segmented(Params):
    """An object was written to ``folder``. ``points``: the 3D points it owns, all views together; ``masks``:
    its mask's pixels by view; ``changed``: other objects that own other points now than before;
    ``warnings``: sentences for the artist. ``scene.ownership.owned_points`` tells whose each point is."""

    object: str
    folder: str
    points: int
    masks: dict[str, int]
    changed: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Realign(Params):
    """Align the scene folder ``scene`` again so that ``objects`` of it fit best, or, without any, as it was
    when it was reconstructed. ``cached``: the objects of its mask cache count too; ``alpha_p``, ``alpha_n``:
    as then, where null."""

    scene: str
    objects: tuple[str, ...] = ()
    cached: bool = False
    alpha_p: float | None = None
    alpha_n: float | None = None


@dataclass(frozen=True)
class Realigned(Params):
    """The scene was written anew. ``points``: 3D points of all its objects, by name; ``moved``: median move
    of the points of ``objects`` (of all points when there are none), as a share of their depth;
    ``seconds``: wall time."""

    scene: str
    objects: tuple[str, ...]
    points: dict[str, int]
    moved: float
    seconds: float


@dataclass(frozen=True)
class Cancel(Params):
    """Stop the request of that id; silently ignored when it is over."""

    id: int


@dataclass(frozen=True)
class ProgressReport(Params):
    """How far the request of that id is; ``fraction`` in [0, 1] is of the whole job."""

    id: int
    stage: str
    fraction: float
    text: str


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as a line. Never holds a line break inside: JSON escapes them."""
    line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, allow_nan=False)
    # A path that is no valid Unicode arrives from Python with lone surrogates; JSON can escape those.
    return line.encode("utf-8", "backslashreplace") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """One line as a message; ProtocolError when it is none."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(PARSE_ERROR, f"Not a JSON message: {line[:80]!r}.") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, f"Not a JSON-RPC 2.0 message: {line[:80]!r}.")
    return message


def request(id: int, method: str, params: Mapping[str, Any]) -> bytes:
    """A line that asks for an answer."""
    return encode({"id": id, "method": method, "params": params})


def notification(method: str, params: Mapping[str, Any]) -> bytes:
    """A line that asks for none."""
    return encode({"method": method, "params": params})


def response(id: int, result: Mapping[str, Any] | None) -> bytes:
    """The answer to a request that went well."""
    return encode({"id": id, "result": result})


def error_response(id: int | None, error: BaseException, traceback: str = "") -> bytes:
    """The answer to a request that did not; ``traceback`` is kept only where the error is a bug."""
    if isinstance(error, ProtocolError):
        body: dict[str, Any] = {"code": error.code, "message": str(error)}
    elif isinstance(error, WildSegError):
        code = CANCELLED if isinstance(error, Cancelled) else USER_ERROR
        body = {"code": code, "message": error.message, "data": {"code": error.code, "fix": error.fix}}
    else:
        text = f"{type(error).__name__}: {error}"
        body = {"code": INTERNAL_ERROR, "message": text, "data": {"traceback": traceback}}
    return encode({"id": id, "error": body})


def error_from_json(body: Any) -> WildSegError:
    """The exception that an error object stands for; a WorkerError where the artist did not cause it."""
    data = body.get("data") if isinstance(body, dict) else None
    message = str(body.get("message", "")) if isinstance(body, dict) else repr(body)
    if not isinstance(data, dict):
        return WorkerError(f"The worker refused the request: {message}")
    if "traceback" in data:
        return WorkerError(
            f"The worker met a bug ({message}): please report it with the text below.\n{data['traceback']}"
        )
    kind = ERROR_BY_CODE.get(str(data.get("code")), WildSegError)
    if kind is Cancelled:
        return Cancelled(message)
    fix = data.get("fix")
    return kind(message, fix=None if fix is None else str(fix))


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
