# SPDX-License-Identifier: GPL-3.0-or-later
"""Our two halves against the official network's own forward pass, and its weights from files."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from tests.neural.tiny_dust3r import CONFIG, tiny_net, tiny_network
from wildseg3d_blender.errors import NeuralError
from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork, build_network
from wildseg3d_blender.pipeline.networks import torch_runtime

PARITY = 1e-4
"""Largest difference to the official forward pass that float32 explains, as a share of the largest value."""


def images(*shapes: tuple[int, int]) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def official_view(image: NDArray[np.uint8], name: str) -> dict[str, Any]:
    scaled = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255.0
    return {
        "img": (scaled - 0.5) / 0.5,
        "true_shape": torch.tensor([image.shape[:2]]),
        "instance": [name],
    }


def close(ours: NDArray[np.float32], official: torch.Tensor) -> bool:
    expected = official[0].numpy()
    return ours.shape == expected.shape and bool(
        np.abs(ours - expected).max() <= PARITY * np.abs(expected).max()
    )


@pytest.mark.parametrize(
    "shapes",
    [((48, 64), (48, 64)), ((64, 48), (48, 64)), ((32, 64), (64, 32))],
    ids=["same", "mixed", "wide"],
)
def test_a_pair_is_what_the_official_forward_pass_says(shapes: tuple[tuple[int, int], ...]) -> None:
    first, second = images(*shapes)
    network, official = tiny_network(), tiny_net()
    (tokens_i,), (tokens_j,) = network.encode([first]), network.encode([second])
    (ours,) = network.decode([(tokens_i, tokens_j)], first.shape[1::-1], second.shape[1::-1])
    with torch.no_grad():
        said_i, said_j = official(official_view(first, "a"), official_view(second, "b"))
    assert close(ours.points_i, said_i["pts3d"])
    assert close(ours.points_j, said_j["pts3d_in_other_view"])
    assert close(ours.confidence_i, said_i["conf"])
    assert close(ours.confidence_j, said_j["conf"])
    assert ours.confidence_i.min() >= 1.0


def test_batches_change_nothing() -> None:
    network = tiny_network()
    shown = images(*[(48, 64)] * 4)
    together = network.encode(shown)
    alone = [network.encode([image])[0] for image in shown]
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    pairs = [(alone[i], alone[j]) for i, j in ((0, 1), (2, 3), (3, 0))]
    for (pair), said in zip(pairs, network.decode(pairs, (64, 48), (64, 48)), strict=True):
        (single,) = network.decode([pair], (64, 48), (64, 48))
        assert np.allclose(said.points_j, single.points_j, rtol=1e-4, atol=1e-5)


def test_half_precision_is_close_and_left_where_it_overflows() -> None:
    exact = tiny_network()
    half = Dust3rNetwork(exact.net, torch.device("cpu"), identity="tiny", dtype=torch.float16)
    (image,) = images((48, 64))

    def pair(network: Dust3rNetwork) -> NDArray[np.float32]:
        (tokens,) = network.encode([image])
        return network.decode([(tokens, tokens)], (64, 48), (64, 48))[0].points_j

    off = np.abs(pair(half) - pair(exact)).max() / np.abs(pair(exact)).max()
    assert 0 < off < 0.02
    with torch.no_grad():
        exact.net.enc_norm.weight *= 1e6  # beyond the largest float16
    (tokens,) = half.encode([image])
    assert tokens.dtype == torch.float32 and bool(tokens.isfinite().all())
    assert torch.equal(tokens, exact.encode([image])[0])


def test_overflow_is_no_measurement() -> None:
    network = tiny_network()
    network.net.downstream_head1.proj.bias.data[:] = 1e4  # exp of that is infinite
    (tokens,) = network.encode(images((48, 64)))
    (said,) = network.decode([(tokens, tokens)], (64, 48), (64, 48))
    assert (said.confidence_i == 0).all() and np.isfinite(said.points_i).all()
    assert (said.confidence_j > 0).all()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_come_back_from_a_file(tmp_path: Path, suffix: str) -> None:
    net = tiny_net()
    file = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(net.state_dict(), file)
    else:
        torch.save({"args": argparse.Namespace(model="__import__('os')"), "model": net.state_dict()}, file)
    again = build_network(CONFIG, torch_runtime.read_weights(file), "file")
    for name, value in net.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_weights_may_lack_what_inference_never_reads() -> None:
    weights = tiny_net().state_dict()
    del weights["mask_token"]
    net = build_network(CONFIG, weights, "file")
    assert not any(parameter.is_meta for parameter in net.parameters())


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    weights = tiny_net().state_dict()
    with pytest.raises(NeuralError, match="another network"):
        build_network({**CONFIG, "enc_embed_dim": 96}, weights, "file")
    short = {name: value for name, value in weights.items() if not name.startswith("downstream_head2")}
    with pytest.raises(NeuralError, match="lack"):
        build_network(CONFIG, short, "file")
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00\x00")
    with pytest.raises(NeuralError, match="download"):
        torch_runtime.read_weights(tmp_path / "cut.safetensors")


class Harmful:
    """Runs code when it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_no_code_from_a_checkpoint_runs(tmp_path: Path) -> None:
    file, mark = tmp_path / "evil.pth", tmp_path / "ran"
    torch.save({"model": Harmful(mark)}, file)
    with pytest.raises(NeuralError, match="cannot be read"):
        torch_runtime.read_weights(file)
    file.write_bytes(pickle.dumps(Harmful(mark)))
    with pytest.raises(NeuralError, match="cannot be read"):
        torch_runtime.read_weights(file)
    assert not mark.exists()


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_runtime.pick_device("cpu").type == "cpu"
    monkeypatch.setenv(torch_runtime.DEVICE_VARIABLE, "cpu")
    assert torch_runtime.pick_device().type == "cpu"
    with pytest.raises(NeuralError, match="choose one of"):
        torch_runtime.pick_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(NeuralError, match="no such device"):
            torch_runtime.pick_device("cuda")


def test_running_out_of_memory_is_told_from_other_errors() -> None:
    assert torch_runtime.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(RuntimeError) as real:
        torch.empty(1 << 60)
    assert torch_runtime.is_out_of_memory(real.value)
    assert not torch_runtime.is_out_of_memory(RuntimeError("shapes do not match"))
