"""The networks of a model file in PyTorch, parameter by parameter.

`Stage` is what `core/src/model/stage.rs` is: the embedding of noise level and condition, and the U-Net over frames. It is
written as PyTorch users write it: convolutions over [batch, channels, frames], the 2-D head as images, strided convolutions
where the Rust code regroups memory. `Layout` holds the choices that change speed and nothing else.
"""

import json
import struct
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

GROUPS = 8
HEADS = 4
TAPS = (3, 5)


@dataclass(frozen=True)
class Layout:
    """How maps lie in memory; every choice gives the same numbers."""

    head_linear: bool = False
    """The head's matrices as `linear` over channels-last maps (else 1x1 convolutions over NCHW ones)."""
    trunk_2d: bool = False
    """The trunk as channels-last images of height 1 (else NCL)."""


def read_card(path):
    """The card in a model file's metadata."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(json.loads(file.read(length))["__metadata__"]["brownian"])


def stage_shape(config, stage):
    """(U-Net config, frames, channels, has_context) of stage `fine` or `envelope`."""
    if stage == "envelope":
        grid = config["envelope"]["grid"]
        return config["envelope"]["unet"], grid["columns"], grid["bands"], False
    representation = config["representation"]
    if representation["kind"] == "waveform":
        patch = representation["patch"]
        return config["unet"], representation["num_samples"] // patch, patch, config["envelope"] is not None
    if representation["kind"] == "log-magnitude":
        frames = representation["num_samples"] // representation["hop_length"]
        return config["unet"], frames, representation["n_fft"] // 2, config["envelope"] is not None
    raise SystemExit(f"representation {representation['kind']} is not known here")


class Parameters:
    """The tensors of a model file under a prefix; what it makes of one remembers which it was."""

    def __init__(self, tensors, prefix):
        self.tensors, self.prefix = tensors, prefix

    def sub(self, name):
        return Parameters(self.tensors, f"{self.prefix}.{name}")

    def get(self, name):
        return self.tensors[f"{self.prefix}.{name}"]

    def param(self, name, change=lambda w: w):
        stored = self.get(name).float()
        parameter = nn.Parameter(change(stored).contiguous())
        # For `checks.py`: a gradient goes back through the same change of shape.
        parameter.source, parameter.stored_shape, parameter.change = f"{self.prefix}.{name}", stored.shape, change
        return parameter


class Linear(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.weight = p.param("weight", lambda w: w.t())
        self.bias = p.param("bias")

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


class Conv1d(nn.Module):
    """Weights come as [taps * inputs, outputs]; `x` is [batch, inputs, frames] or [batch, inputs, 1, frames]."""

    def __init__(self, p, inputs, taps, stride, circular):
        super().__init__()
        self.weight = p.param("weight", lambda w: w.reshape(taps, inputs, -1).permute(2, 1, 0))
        self.bias = p.param("bias")
        self.stride, self.reach, self.circular = stride, taps // 2, circular

    def forward(self, x):
        padding = self.reach
        if self.circular and padding:
            x = torch.cat([x[..., -padding:], x, x[..., :padding]], -1)
            padding = 0
        if x.dim() == 4:
            return F.conv2d(x, self.weight.unsqueeze(2), self.bias, (1, self.stride), (0, padding))
        return F.conv1d(x, self.weight, self.bias, self.stride, padding)


class GroupNorm(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.weight, self.bias = p.param("scale"), p.param("shift")

    def forward(self, x):
        return F.group_norm(x, GROUPS, self.weight, self.bias, 1e-5)


def modulate(x, film):
    """FiLM over channels (axis 1): `film` is a gain around 0, then an offset."""
    gain, offset = film.reshape(film.shape + (1,) * (x.dim() - 2)).chunk(2, 1)
    return x * (1 + gain) + offset


class Block1d(nn.Module):
    def __init__(self, p, inputs, width, circular):
        super().__init__()
        self.norm1, self.norm2 = GroupNorm(p.sub("norm1")), GroupNorm(p.sub("norm2"))
        self.conv1 = Conv1d(p.sub("conv1"), inputs, 3, 1, circular)
        self.conv2 = Conv1d(p.sub("conv2"), width, 3, 1, circular)
        self.film = Linear(p.sub("film"))
        self.skip = Conv1d(p.sub("skip"), inputs, 1, 1, False) if inputs != width else None

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(modulate(self.norm2(h), self.film(embedding))))
        return (x if self.skip is None else self.skip(x)) + h


class Attention(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.norm, self.qkv, self.out = GroupNorm(p.sub("norm")), Linear(p.sub("qkv")), Linear(p.sub("out"))

    def forward(self, x):
        h = self.norm(x).flatten(2).transpose(1, 2)
        batch, frames, channels = h.shape
        q, k, v = self.qkv(h).reshape(batch, frames, 3, HEADS, channels // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, frames, channels)
        return x + self.out(h).transpose(1, 2).reshape(x.shape)


class Level(nn.Module):
    def __init__(self, p, config, index, inputs):
        super().__init__()
        width = config["widths"][index]
        self.blocks = nn.ModuleList(
            Block1d(p.sub("block").sub(i), inputs if i == 0 else width, width, config["circular"])
            for i in range(config["blocks"])
        )
        attends = index + config["attention_levels"] >= len(config["widths"])
        self.attention = Attention(p.sub("attention")) if attends else None

    def forward(self, x, embedding):
        for block in self.blocks:
            x = block(x, embedding)
        return x if self.attention is None else self.attention(x)


class Trunk(nn.Module):
    """[batch, widths[0], frames] to the same shape."""

    def __init__(self, p, config, layout):
        super().__init__()
        widths, circular, self.layout = config["widths"], config["circular"], layout
        self.factor = config.get("factor", 2)
        last = len(widths) - 1
        self.positions = None if circular else p.param("positions", lambda w: w.transpose(1, 2))
        pairs = list(zip(widths, widths[1:]))
        self.down = nn.ModuleList(Level(p.sub("down").sub(i), config, i, widths[i]) for i in range(last))
        self.shrink = nn.ModuleList(
            Conv1d(p.sub("shrink").sub(i), fine, 3, self.factor, circular) for i, (fine, _) in enumerate(pairs)
        )
        self.bottom = Level(p.sub("bottom").sub(last), config, last, widths[last])
        self.grow = nn.ModuleList(
            Conv1d(p.sub("grow").sub(i), coarse, 3, 1, circular) for i, (_, coarse) in enumerate(pairs)
        )
        self.up = nn.ModuleList(Level(p.sub("up").sub(i), config, i, 2 * widths[i]) for i in range(last))

    def forward(self, x, embedding):
        h = x if self.positions is None else x + self.positions
        if self.layout.trunk_2d:
            h = h.unsqueeze(2).contiguous(memory_format=torch.channels_last)
        remembered = []
        for level, shrink in zip(self.down, self.shrink):
            h = level(h, embedding)
            remembered.append(h)
            h = shrink(h)
        h = self.bottom(h, embedding)
        for i in reversed(range(len(self.up))):
            skip = remembered[i]
            h = self.grow[i](F.interpolate(h, scale_factor=self.scale(h), mode="nearest")[..., : skip.shape[-1]])
            h = self.up[i](torch.cat([h, skip], 1), embedding)
        return h.squeeze(2) if self.layout.trunk_2d else h

    def scale(self, h):
        return (1.0, float(self.factor)) if h.dim() == 4 else float(self.factor)


class Block2d(nn.Module):
    def __init__(self, p, layout):
        super().__init__()
        self.film, self.norm = Linear(p.sub("film")), GroupNorm(p.sub("norm"))
        self.filter = p.param("filter.weight", lambda w: w.t().reshape(-1, 1, *TAPS))
        self.widen, self.narrow = Linear(p.sub("widen")), Linear(p.sub("narrow"))
        self.layout = layout

    def forward(self, x, embedding):
        h = F.conv2d(x, self.filter, None, 1, (TAPS[0] // 2, TAPS[1] // 2), 1, x.shape[1])
        h = modulate(self.norm(h), self.film(embedding))
        if self.layout.head_linear:
            return x + self.narrow(F.silu(self.widen(h.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)
        pointwise = lambda h, m: F.conv2d(h, m.weight[:, :, None, None], m.bias)
        return x + pointwise(F.silu(pointwise(h, self.widen)), self.narrow)


def run(blocks, x, embedding):
    for block in blocks:
        x = block(x, embedding)
    return x


class Head(nn.Module):
    """[batch, inputs, frames, bins] to [batch, 1, frames, bins], around a trunk over [batch, width, frames]."""

    def __init__(self, p, head, inputs, bins, layout):
        super().__init__()
        widths, merge = head["widths"], head["merge"]
        across, along, last = head["patch_frames"], head["patch_bins"], len(widths) - 1
        self.patch, self.merge_bins, self.width, self.layout = (across, along), merge, widths[last], layout
        self.coarse_bins = bins // along // merge**last
        self.embed = p.param("embed.weight", lambda w: w.reshape(inputs, across, along, -1).permute(3, 0, 1, 2))
        self.embed_bias = p.param("embed.bias")
        self.positions = p.param("positions", lambda w: w.permute(0, 3, 1, 2))
        blocks = lambda i, way: nn.ModuleList(
            Block2d(p.sub("level").sub(i).sub(way).sub(j), layout) for j in range(head["blocks"])
        )
        self.before = nn.ModuleList(blocks(i, "before") for i in range(last + 1))
        self.after = nn.ModuleList(blocks(i, "after") for i in range(last + 1))
        # [merge * fine, coarse] is a convolution of `merge` bins with stride `merge`; its way back is a transposed one.
        fold = lambda i: lambda w: w.reshape(merge, widths[i], -1).permute(2, 1, 0).unsqueeze(2)
        unfold = lambda i: lambda w: w.reshape(-1, merge, widths[i]).permute(0, 2, 1).unsqueeze(2)
        self.merges = nn.ParameterList(p.param(f"merge.{i}.weight", fold(i)) for i in range(last))
        self.merge_biases = nn.ParameterList(p.param(f"merge.{i}.bias") for i in range(last))
        self.splits = nn.ModuleList(Linear(p.sub("split").sub(i)) for i in range(last))
        self.fold, self.unfold = Linear(p.sub("fold")), Linear(p.sub("unfold"))
        self.norm, self.output = GroupNorm(p.sub("norm")), Linear(p.sub("output"))

    def forward(self, x, embedding, trunk):
        h = F.conv2d(x, self.embed, self.embed_bias, self.patch) + self.positions
        if self.layout.head_linear:
            h = h.contiguous(memory_format=torch.channels_last)
        remembered = []
        for i, blocks in enumerate(self.before):
            h = run(blocks, h, embedding)
            remembered.append(h)
            if i < len(self.merges):
                h = F.conv2d(h, self.merges[i], self.merge_biases[i], (1, self.merge_bins))
        h = self.through(h, trunk)
        for i in reversed(range(len(self.after))):
            if i < len(self.splits):
                h = self.split(h, self.splits[i])
            h = run(self.after[i], h + remembered[i], embedding)
        h = self.output(F.silu(self.norm(h)).permute(0, 2, 3, 1))
        batch, frames, bins, _ = h.shape
        h = h.reshape(batch, frames, bins, *self.patch).transpose(2, 3)
        return h.reshape(batch, 1, frames * self.patch[0], bins * self.patch[1])

    def through(self, h, trunk):
        batch, _, frames, bins = h.shape
        folded = self.fold(h.permute(0, 2, 3, 1).reshape(batch, frames, bins * self.width)).transpose(1, 2)
        h = self.unfold(trunk(folded).transpose(1, 2))
        return h.reshape(batch, frames, bins, self.width).permute(0, 3, 1, 2)

    def split(self, h, linear):
        h = linear(h.permute(0, 2, 3, 1))
        batch, frames, bins, channels = h.shape
        h = h.reshape(batch, frames, bins * self.merge_bins, channels // self.merge_bins)
        return h.permute(0, 3, 1, 2)


class Stage(nn.Module):
    """x and context are [batch, frames, channels], levels and features the inputs of the embedding; gives the velocity."""

    def __init__(self, model_path, stage, layout=Layout()):
        super().__init__()
        config, self.frames, self.channels, self.has_context = stage_shape(read_card(model_path)["config"], stage)
        p = Parameters(load_file(model_path), stage)
        embedding, unet = p.sub("embedding"), p.sub("unet")
        self.level_in, self.level_out = Linear(embedding.sub("level_in")), Linear(embedding.sub("level_out"))
        self.condition = Linear(embedding.sub("condition"))
        inputs = 2 if self.has_context else 1
        self.gate = Linear(unet.sub("gate"))
        self.trunk = Trunk(unet.sub("trunk"), config, layout)
        self.head = Head(unet.sub("head"), config["head"], inputs, self.channels, layout) if config["head"] else None
        if self.head is None:
            channels = inputs * self.channels
            self.input = Conv1d(unet.sub("input"), channels, 1, 1, False)
            self.norm = GroupNorm(unet.sub("norm"))
            self.output = Conv1d(unet.sub("output"), config["widths"][0], 1, 1, False)

    def forward(self, x, levels, features, context=None):
        level = self.level_out(F.silu(self.level_in(levels)))
        embedding = F.silu(level + self.condition(features))
        if self.head is None:
            seen = x if context is None else torch.cat([x, context], 2)
            h = self.trunk(self.input(seen.transpose(1, 2)), embedding)
            y = self.output(F.silu(self.norm(h))).transpose(1, 2)
        else:
            seen = x.unsqueeze(1) if context is None else torch.stack([x, context], 1)
            y = self.head(seen, embedding, lambda h: self.trunk(h, embedding)).squeeze(1)
        return y + x * self.gate(embedding).unsqueeze(1)


def level_features(sigmas):
    """Cosines and sines of the noise level: `level_features` of core/src/conditioning/embedding.rs."""
    angle = 2 * np.pi * np.log(np.asarray(sigmas, np.float64)) / 4
    turns = angle[:, None] * np.exp2(np.arange(32) / 8 - 2)
    return np.stack([np.cos(turns), np.sin(turns)], 2).reshape(len(sigmas), 64).astype(np.float32)


def condition_features(classes, attributes, num_classes):
    """One-hot class, then each attribute, then an absent pitch: `features` of core/src/conditioning/embedding.rs."""
    features = np.zeros((len(classes), num_classes + 1 + 4 * 6), np.float32)
    features[np.arange(len(classes)), classes] = 1
    for i in range(5):
        value = np.asarray(attributes, np.float32)[:, i]
        angle = np.float32(2 * np.pi) * value
        at = num_classes + 1 + 4 * i
        features[:, at : at + 4] = np.stack([np.ones_like(value), 2 * value - 1, np.cos(angle), np.sin(angle)], 1)
    return features
