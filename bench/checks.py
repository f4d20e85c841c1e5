"""Whether engines agree: outputs with PyTorch in double precision, our gradients with PyTorch's."""

from collections import namedtuple

import numpy as np
import torch
from safetensors.numpy import load_file

import cases
import net

Line = namedtuple("Line", "text failed")


def outputs(fleet, found, engines, threads, tolerance):
    """A line for each case, engine and number of threads: the largest error by the largest value."""
    lines = []
    for case in found:
        reference = np.fromfile(case.folder / "reference.f32", np.float32)
        for engine in engines:
            for n in threads:
                path = case.folder / f"{engine}-{n}.f32"
                fleet.ask(engine, n, case, do="output", path=path)
                error = relative(np.fromfile(path, np.float32), reference)
                text = f"{case.name}: {engine} with {n} threads differs by {error:.1e} of the largest value"
                lines.append(judged(text, error, tolerance))
    return lines


def gradients(fleet, found, threads, tolerance):
    """A line for each case and number of threads: the parameter whose gradient differs most."""
    lines = []
    for case in found:
        expected = reference_gradients(case)
        for n in threads:
            path = case.folder / f"gradients-{n}.safetensors"
            fleet.ask("brownian", n, case, do="gradients", path=path)
            got = load_file(path)
            missing = sorted(set(expected) ^ set(got))
            if missing:
                lines.append(Line(f"{case.name}: only one side has gradients of {', '.join(missing[:5])}", True))
                continue
            errors = {name: relative(got[name], expected[name]) for name in expected}
            worst = max(errors, key=errors.get)
            text = f"{case.name}: loss and {len(errors) - 1} gradients with {n} threads, worst {worst}: {errors[worst]:.1e}"
            lines.append(judged(text, errors[worst], tolerance))
    return lines


def reference_gradients(case):
    """The mean squared error on the batch and its gradients by our names and shapes, in double precision."""
    stage = net.Stage(case.model, case.stage).double()
    inputs, target = cases.inputs_of(case)
    loss = torch.nn.functional.mse_loss(stage(*(value.double() for value in inputs)), target.double())
    loss.backward()
    found = {"loss": loss.detach().numpy().reshape(1)}
    for parameter in stage.parameters():
        found[parameter.source] = in_our_shape(parameter).numpy()
    return found


def in_our_shape(parameter):
    """The gradient with respect to the tensor in the file. Changes of shape are linear, and permutations: their
    transpose is their inverse, which autograd applies."""
    stored = torch.zeros(parameter.stored_shape, dtype=torch.float64, requires_grad=True)
    parameter.change(stored).backward(parameter.grad)
    return stored.grad


def relative(got, reference):
    """Largest difference as a share of the largest value of the reference; infinite if one is no number."""
    difference = np.abs(got.ravel() - reference.ravel()).max()
    scale = np.abs(reference).max()
    return float(difference / scale) if np.isfinite(difference) and scale > 0 else float("inf")


def judged(text, error, tolerance):
    failed = not error <= tolerance
    return Line(f"{text} (at most {tolerance:.0e} is allowed)" if failed else text, failed)
