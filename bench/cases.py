"""What is compared: networks with their weights, inputs, ONNX files and operation counts, in `target/bench/CASE`."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

import net

OPSET = 20


@dataclass(frozen=True)
class Case:
    """One network."""

    name: str
    model: Path
    stage: str
    batch: int
    """Examples of a training step."""
    folder: Path

    @property
    def input(self):
        return self.folder / "input.safetensors"

    def onnx(self, layout):
        return self.folder / f"{layout}.onnx"

    def facts(self):
        return json.loads((self.folder / "facts.json").read_text())


LAYOUTS = {
    "ncl": net.Layout(),
    "ncl-linear": net.Layout(head_linear=True),
    "images": net.Layout(trunk_2d=True),
    "images-linear": net.Layout(head_linear=True, trunk_2d=True),
}


def inputs_of(case, batch=None):
    """The stage's arguments as tensors, and the target, of the first `batch` examples (or all)."""
    tensors = load_file(case.input)
    part = {name: torch.from_numpy(value[:batch].copy()) for name, value in tensors.items()}
    names = ["x", "levels", "features"] + (["context"] if "context" in part else [])
    return tuple(part[name] for name in names), part["target"]


def prepare(case):
    """Make the case's files unless they are there, made of the same weights by the same code."""
    code = b"".join((Path(__file__).parent / name).read_bytes() for name in ("net.py", "cases.py"))
    key = hashlib.sha256(case.model.read_bytes() + code + str(case.batch).encode()).hexdigest()
    if (case.folder / "facts.json").exists() and case.facts()["key"] == key:
        return
    case.folder.mkdir(parents=True, exist_ok=True)
    write_inputs(case)
    stage = net.Stage(case.model, case.stage).eval()
    one, _ = inputs_of(case, 1)
    reference = net.Stage(case.model, case.stage).eval().double()
    with torch.inference_mode():
        reference(*(value.double() for value in one)).float().numpy().tofile(case.folder / "reference.f32")
    for name in ("ncl", "ncl-linear"):
        export(net.Stage(case.model, case.stage, LAYOUTS[name]).eval(), one, case.onnx(name))
    facts = {
        "key": key,
        "gflop": multiply_adds(stage, one) * 2e-9,
        "parameters": sum(parameter.numel() for parameter in stage.parameters()),
        "frames": stage.frames,
        "channels": stage.channels,
    }
    (case.folder / "facts.json").write_text(json.dumps(facts))


def write_inputs(case):
    """Unit normals, noise levels over the usual range, every class in turn; the same on every machine."""
    card = net.read_card(case.model)
    _, frames, channels, has_context = net.stage_shape(card["config"], case.stage)
    random = np.random.Generator(np.random.PCG64(1))
    normal = lambda: random.standard_normal((case.batch, frames, channels), np.float32)
    num_classes = len(card["config"]["classes"])
    sigmas = np.exp(np.linspace(np.log(0.5), np.log(10.0), case.batch))
    classes = np.arange(case.batch, dtype=np.int64) % num_classes
    attributes = random.random((case.batch, 5), np.float32)
    tensors = {"x": normal(), "target": normal(), "sigmas": sigmas, "classes": classes, "attributes": attributes}
    tensors["levels"] = net.level_features(sigmas)
    tensors["features"] = net.condition_features(classes, attributes, num_classes)
    if has_context:
        tensors["context"] = normal()
    save_file(tensors, case.input)


def export(stage, inputs, path):
    """The network for one clip as an ONNX file with fixed shapes."""
    names = ["x", "levels", "features", "context"][: len(inputs)]
    torch.onnx.export(
        stage, inputs, str(path), input_names=names, output_names=["y"], opset_version=OPSET, dynamo=False
    )


def multiply_adds(stage, inputs):
    """Multiplications with additions in convolutions, matrices and attention; nothing else is counted."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        stage(*inputs)
    return counter.get_total_flops() / 2
