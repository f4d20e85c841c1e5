#!/usr/bin/env python3
"""What --not-class does: how many sounds of a class are told as another, with guidance away from that and without.

    scripts/check-not-class.py [path of brownian, else target/release/brownian] [folder for the sounds]

Renders 32 sounds of every class of `drums` (seeds 1001 to 1032), and 64 each (seeds 1 to 64, guidance 2) of some pairs of a
class and one to keep away from, all at 8 steps. A sound is told by the five nearest of the first, by the Euclidean distance
of log-mel spectra (40 bands, peak 1). Needs numpy. Takes a minute and a half on one core.
"""

import collections
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLASSES = "clap closed-hat cowbell crash kick open-hat perc ride rim snare tom".split()
PAIRS = [("perc", "snare"), ("rim", "snare"), ("clap", "snare"), ("perc", "closed-hat"), ("perc", "tom")]
BANDS, N_FFT, HOP, SECONDS, NEIGHBOURS = 40, 1024, 512, 0.74, 5


def manifest():
    rows = ['model = "drums"\nsteps = 8\nsample_rate = 22050\n']
    rows.append(f'[[clips]]\nclass = {CLASSES}\nseed = "1001..1032"\nname = "known/{{class}}_{{seed}}"\n')
    for name in sorted({name for name, _ in PAIRS}):
        rows.append(f'[[clips]]\nclass = "{name}"\nguidance = 2\nseed = "1..64"\nname = "plain/{name}_{{seed}}"\n')
    for name, away in PAIRS:
        rows.append(f'[[clips]]\nclass = "{name}"\nguidance = 2\nnot-class = "{away}"\nseed = "1..64"\n')
        rows.append(f'name = "away/{name}_{away}_{{seed}}"\n')
    return "".join(rows)


def mel_bands(rate):
    edges = 700 * (10 ** (numpy.linspace(0, 2595 * numpy.log10(1 + rate / 1400), BANDS + 2) / 2595) - 1)
    hz = numpy.fft.rfftfreq(N_FFT, 1 / rate)
    rise, fall = edges[1:-1] - edges[:-2], edges[2:] - edges[1:-1]
    return numpy.maximum(0, numpy.minimum((hz - edges[:-2, None]) / rise[:, None], (edges[2:, None] - hz) / fall[:, None]))


def features(path):
    with wave.open(str(path)) as file:
        rate, raw = file.getframerate(), numpy.frombuffer(file.readframes(file.getnframes()), numpy.uint8)
    low, middle, high = raw.reshape(-1, 3).astype(numpy.int32).T
    samples = ((low | middle << 8 | high << 16) << 8 >> 8) / 2**23
    samples = samples / max(1e-9, abs(samples).max())
    samples = numpy.pad(samples, (0, max(0, int(SECONDS * rate) - len(samples))))[: int(SECONDS * rate)]
    frames = [samples[at : at + N_FFT] * numpy.hanning(N_FFT) for at in range(0, len(samples) - N_FFT, HOP)]
    return numpy.log10(abs(numpy.fft.rfft(frames)) ** 2 @ mel_bands(rate).T + 1e-8).ravel()


def told(path, known, labels):
    nearest = numpy.argsort(((known - features(path)) ** 2).sum(1))[:NEIGHBOURS]
    return collections.Counter(labels[at] for at in nearest).most_common(1)[0][0]


def main(brownian, folder):
    (folder / "clips.toml").write_text(manifest())
    subprocess.run([brownian, "batch", folder / "clips.toml", "--out", folder], check=True)
    paths = sorted((folder / "known").glob("*.wav"))
    known, labels = numpy.array([features(path) for path in paths]), [path.stem.rsplit("_", 1)[0] for path in paths]
    print("class  away from    told as that, without and with    told as its class, without and with    of")
    for name, away in PAIRS:
        sets = [sorted((folder / "plain").glob(f"{name}_*.wav")), sorted((folder / "away").glob(f"{name}_{away}_*.wav"))]
        counts = [collections.Counter(told(path, known, labels) for path in paths) for paths in sets]
        row = [count[label] for label in (away, name) for count in counts]
        print(f"{name:6} {away:12} {row[0]:3} {row[1]:3} {row[2]:30} {row[3]:3} {len(sets[0]):34}")


if __name__ == "__main__":
    program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/brownian").resolve()
    with tempfile.TemporaryDirectory() as temporary:
        main(program, pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else temporary))
