# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages survive the way there and back; anything malformed is named."""

from __future__ import annotations

import json

import pytest

from wildseg3d_blender.errors import ERROR_BY_CODE, Cancelled, WorkerError
from wildseg3d_blender.prompts import Box, Click, PromptGroup
from wildseg3d_blender.worker import protocol
from wildseg3d_blender.worker.messages import (
    Cancel,
    EarlyPreview,
    FindObjects,
    FoundObjects,
    Initialize,
    Initialized,
    Prepare,
    Prepared,
    Preview,
    Previewed,
    ProgressReport,
    Realign,
    Realigned,
    Reconstruct,
    Reconstructed,
    Segment,
    Segmented,
    Skipped,
)
from wildseg3d_blender.worker.params import Params
from wildseg3d_blender.worker.protocol import ProtocolError

GROUPS = (
    PromptGroup((Click("a", 1.5, 2.25, False), Box("b", 0.0, 1.0, 2.0, 3.0)), size=-2),
    PromptGroup((Click("a", 0.0, 0.0),), subtract=True),
)

MESSAGES = [
    Initialize(1),
    Initialized(1, "0.1.0", "3.11.2", 4711, "/tmp/w"),
    Reconstruct(("/a/ü b.jpg", "/c\nd"), "/scene", image_size=256),
    Reconstruct(("/a",), "/scene", dga=False, alpha_p=-0.5, alpha_n=1.0),
    Reconstructed("/scene", ("a", "b"), (Skipped("/c.jpg", "Too dark.", "Use a lamp."),), {"sfm": 1.5}, 1234),
    Segment("/scene", "Cup", GROUPS, shared="leave"),
    FindObjects("/scene"),
    FoundObjects(12, 3),
    Preview("/scene", GROUPS, early=True),
    Prepare("/scene"),
    Prepared("graphcut"),
    EarlyPreview(3, "/scene/previews/1"),
    Previewed("/scene/previews/1", True, (False, True), (True, False), (0, -2), ("Found in a only.",)),
    Segmented("Cup", "/scene/objects/Cup", 12, {"a": 3, "b": 4}, ("Ü/1",), ("Few points.",)),
    Realign("/scene"),
    Realign("/scene", ("Cup", "Ü/1"), cached=True, alpha_p=0.25),
    Realigned("/scene", ("Cup",), {"Cup": 12, "Ü/1": 0}, 0.0125, 0.75),
    Cancel(3),
    ProgressReport(3, "matching", 0.25, "Comparing 3 of 12"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_survive_the_line(message: Params) -> None:
    line = protocol.request(7, "method", message.to_json())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    decoded = protocol.decode(line)
    assert decoded["id"] == 7
    assert type(message).from_json(decoded["params"]) == message


def test_paths_that_are_no_unicode_survive() -> None:
    path = b"/photos/\xff\xfe.jpg".decode("utf-8", "surrogateescape")
    line = protocol.request(1, "reconstruct", Reconstruct((path,), "/scene").to_json())
    assert Reconstruct.from_json(protocol.decode(line)["params"]).photos == (path,)


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        (Reconstruct, [], "object of named members"),
        (Reconstruct, {"photos": ["a"]}, "folder"),
        (Reconstruct, {"photos": "a", "folder": "b"}, "'photos'"),
        (Reconstruct, {"photos": [1], "folder": "b"}, "must be str, not int"),
        (Reconstruct, {"photos": [], "folder": "b", "image_size": 512.5}, "must be int, not float"),
        (Reconstruct, {"photos": [], "folder": "b", "image_size": True}, "must be int, not bool"),
        (Reconstruct, {"photos": [], "folder": "b", "colour": 1}, "unknown member 'colour'"),
        (Reconstruct, {"photos": [], "folder": "b", "dga": 1}, "must be bool, not int"),
        (Realign, {"scene": "a", "objects": "Cup"}, "'objects'"),
        (Realign, {"scene": "a", "alpha_p": "much"}, "'alpha_p'"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [{"type": "lasso"}]}]}, "lasso"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [3]}]}, "not understood"),
        (Segment, {"scene": "a", "object": "b", "groups": [3]}, "needs a list of prompts"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": 3}]}, "needs a list of prompts"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [], "size": 1.5}]}, "whole number"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [], "size": 99}]}, "whole number"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [], "subtract": 1}]}, "true or false"),
        (Segment, {"scene": "a", "object": "b", "groups": [{"prompts": [], "take": True}]}, "'take'"),
        (Segment, {"scene": "a", "object": "b", "groups": [], "shared": "steal"}, "one of 'take', 'leave'"),
        (Preview, {"scene": "a", "groups": None}, "'groups'"),
        (ProgressReport, {"id": 1, "stage": "a", "fraction": float("nan"), "text": ""}, "is not finite"),
    ],
)
def test_malformed_members_are_named(kind: type[Params], data: object, words: str) -> None:
    with pytest.raises(ProtocolError, match=words) as caught:
        kind.from_json(data)
    assert caught.value.code == protocol.INVALID_PARAMS


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"make me a scene\n", protocol.PARSE_ERROR),
        (b"\xff\xfe\x00\n", protocol.PARSE_ERROR),
        (b"[" * 100_000 + b"\n", protocol.PARSE_ERROR),
        (b"[1, 2]\n", protocol.INVALID_REQUEST),
        (b'{"id": 1, "method": "initialize"}\n', protocol.INVALID_REQUEST),
    ],
)
def test_lines_that_are_no_messages(line: bytes, code: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        protocol.decode(line)
    assert caught.value.code == code


@pytest.mark.parametrize("code", sorted(ERROR_BY_CODE))
def test_errors_arrive_as_what_they_were(code: str) -> None:
    kind = ERROR_BY_CODE[code]
    error = (
        kind("Stopped.") if kind is Cancelled else kind("No scene: press it.", fix="wildseg3d.reconstruct")
    )
    arrived = protocol.error_from_json(protocol.decode(protocol.error_response(3, error))["error"])
    assert type(arrived) is kind
    assert (arrived.message, arrived.fix) == (error.message, error.fix)


def test_a_bug_arrives_with_its_traceback() -> None:
    line = protocol.error_response(3, ZeroDivisionError("division by zero"), "Traceback: line 12")
    arrived = protocol.error_from_json(json.loads(line)["error"])
    assert isinstance(arrived, WorkerError)
    assert "ZeroDivisionError: division by zero" in arrived.message
    assert "line 12" in arrived.message


@pytest.mark.parametrize("body", [None, 3, {}, {"message": "no"}, {"data": {"code": 5}}])
def test_error_objects_of_any_shape_are_errors(body: object) -> None:
    assert protocol.error_from_json(body).message is not None
