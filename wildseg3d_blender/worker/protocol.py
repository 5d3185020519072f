# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender and the worker say to each other: JSON-RPC 2.0, one message a line, UTF-8.

Blender asks and the worker answers; there is one worker per Blender, and it runs one job at a time, in
the order asked. Arrays never travel here: results name a scene folder that both sides map.
``messages`` has the members of each.

    initialize   Initialize    -> Initialized     first, or everything else is refused
    reconstruct  Reconstruct   -> Reconstructed
    key_frames   KeyFrames     -> TakenFrames     a video's, as photos
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
from collections.abc import Mapping
from typing import Any

from ..errors import ERROR_BY_CODE, Cancelled, WildSegError, WorkerError

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
