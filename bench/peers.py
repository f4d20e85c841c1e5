"""A process that runs one of the other engines: JSON commands on stdin, JSON answers on stdout.

usage: peers.py pytorch|onnxruntime|openvino|numpy

    {"do": "load", "case": "drums", "model": PATH, "stage": "fine", "folder": PATH, "batch": 16}
    {"do": "output", "case": "drums", "threads": 1, "path": PATH}      raw f32
    {"do": "forward", "case": "drums", "threads": 1, "warm": 1, "repeats": 5}     {"ms": [...]}
    {"do": "train", "case": "drums", "threads": 1, "warm": 1, "repeats": 1}       {"ms": [...]}
    {"do": "gemm", "size": [M, N, K], "threads": 1, "warm": 1, "repeats": 5}      {"ms": [...]}

It is `core/examples/engine` for the other engines. `warm` runs come first and are not counted.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

LAYOUT = {"onnxruntime": "ncl", "openvino": "ncl-linear"}


def timed(run, command):
    """Milliseconds of each run that counts."""
    for _ in range(command["warm"]):
        run()
    times = []
    for _ in range(command["repeats"]):
        began = perf_counter()
        run()
        times.append((perf_counter() - began) * 1e3)
    return times


class Onnx:
    """What the engines that read ONNX files share: one session for each case and number of threads."""

    def __init__(self):
        self.folders, self.sessions = {}, {}

    def load(self, command):
        self.folders[command["case"]] = Path(command["folder"])

    def run(self, command):
        key = (command["case"], command["threads"])
        if key not in self.sessions:
            folder = self.folders[command["case"]]
            session = self.session(folder / f"{LAYOUT[self.name]}.onnx", command["threads"])
            self.sessions[key] = session, first_clip(folder)
        session, inputs = self.sessions[key]
        return lambda: self.infer(session, inputs)

    def forward(self, command):
        return timed(self.run(command), command)

    def output(self, command):
        return self.run(command)()


def first_clip(folder):
    from safetensors.numpy import load_file

    tensors = load_file(folder / "input.safetensors")
    return {name: tensors[name][:1] for name in ("x", "levels", "features", "context") if name in tensors}


class OnnxRuntime(Onnx):
    name = "onnxruntime"

    def session(self, path, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])

    def infer(self, session, inputs):
        return session.run(None, inputs)[0]


class OpenVino(Onnx):
    name = "openvino"

    def session(self, path, threads):
        import openvino

        # Without the hint it computes in bf16 where the CPU can.
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
        }
        return openvino.Core().compile_model(str(path), "CPU", options).create_infer_request()

    def infer(self, session, inputs):
        return session.infer(inputs, share_inputs=True)[0]


class PyTorch:
    layout = {"forward": "ncl-linear", "train": "ncl-linear"}

    def __init__(self):
        import torch

        self.torch, self.cases, self.networks = torch, {}, {}
        torch.set_flush_denormal(True)

    def load(self, command):
        import cases

        path = lambda name: Path(command[name])
        self.cases[command["case"]] = cases.Case(
            command["case"], path("model"), command["stage"], command["batch"], path("folder")
        )

    def network(self, command, what):
        import cases
        import net

        case = self.cases[command["case"]]
        self.torch.set_num_threads(command["threads"])
        if (case.name, what) not in self.networks:
            stage = net.Stage(case.model, case.stage, cases.LAYOUTS[self.layout[what]])
            inputs, target = cases.inputs_of(case, 1 if what == "forward" else case.batch)
            optimizer = self.torch.optim.AdamW(stage.parameters(), 1e-3, (0.9, 0.99), weight_decay=0.01, fused=True)
            self.networks[case.name, what] = stage, inputs, target, optimizer
        return self.networks[case.name, what]

    def infer(self, command):
        stage, inputs, _, _ = self.network(command, "forward")
        with self.torch.inference_mode():
            return stage(*inputs)

    def output(self, command):
        return self.infer(command).numpy()

    def forward(self, command):
        return timed(lambda: self.infer(command), command)

    def train(self, command):
        stage, inputs, target, optimizer = self.network(command, "train")

        def step():
            optimizer.zero_grad(set_to_none=True)
            self.torch.nn.functional.mse_loss(stage(*inputs), target).backward()
            optimizer.step()

        return timed(step, command)

    def gemm(self, command):
        self.torch.set_num_threads(command["threads"])
        m, n, k = command["size"]
        a, b, out = (self.torch.ones(shape) for shape in ((m, k), (k, n), (m, n)))
        return timed(lambda: self.torch.mm(a, b, out=out), command)


class Numpy:
    """Only a matrix product. Its threads are those of its environment: OPENBLAS_NUM_THREADS."""

    def gemm(self, command):
        m, n, k = command["size"]
        a, b, out = (np.ones(shape, np.float32) for shape in ((m, k), (k, n), (m, n)))
        return timed(lambda: np.matmul(a, b, out=out), command)


def answer(engine, command):
    result = getattr(engine, command["do"])(command)
    if command["do"] == "output":
        np.ascontiguousarray(result, np.float32).tofile(command["path"])
        return {}
    return {"ms": result} if result is not None else {}


def main():
    engines = {"pytorch": PyTorch, "onnxruntime": OnnxRuntime, "openvino": OpenVino, "numpy": Numpy}
    engine = engines[sys.argv[1]]()
    for line in sys.stdin:
        try:
            reply = answer(engine, json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
