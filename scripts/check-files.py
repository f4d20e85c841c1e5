#!/usr/bin/env python3
"""Reads files that `brownian` wrote with programs that know nothing of it, and says where they disagree.

    scripts/check-files.py [path of brownian, else target/release/brownian] [more WAV files of 24 bits, such as of a pitch]

Readers, each used where it is there and named where it is not:
  soxi, sox      Debian package sox
  ffprobe        Debian package ffmpeg
  sndfile-info   Debian package sndfile-programs
  mediainfo      Debian package mediainfo
  wavinfo        PyPI
  pysfizz        PyPI: sfizz, an SFZ player; renders what `brownian export` wrote

Exits 1 if any reader disagrees, or if fewer than two read the WAV files.
"""

import importlib.util
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BROWNIAN = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/brownian").resolve()
FORMATS = {"wav16": 16, "wav24": 24, "wav32f": 32}
problems = []
readers = set()


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=cwd)
    return done.stdout + done.stderr


def expect(reader, path, what, found, need):
    readers.add(reader)
    if found != need:
        problems.append(f"{reader}: {path.name}: {what} is {found!r}, not {need!r}")


def contains(reader, path, text, *parts):
    readers.add(reader)
    for part in parts:
        if part not in text:
            problems.append(f"{reader}: {path.name}: no {part!r} in what it says:\n{text}")


def quiet(reader, path, text):
    for word in ("WARN", "warning", "error", "invalid", "corrupt", "Unknown"):
        if word in text:
            problems.append(f"{reader}: {path.name}: complains:\n{text}")


def inspect(path):
    return json.loads(run(BROWNIAN, "inspect", path, "--json"))


def with_sox(path, told, bits):
    for flag, need in (("-r", told["sample_rate"]), ("-c", told["channels"]), ("-s", told["frames"]), ("-b", bits)):
        expect("soxi", path, flag, int(run("soxi", flag, path)), need)
    quiet("sox", path, run("sox", path, "-n", "stat"))


def with_ffprobe(path, told, bits):
    text = run("ffprobe", "-v", "warning", "-show_format", "-show_streams", "-of", "json", path)
    start = text.find("{")
    quiet("ffprobe", path, text[:start])
    found = json.loads(text[start : text.rfind("}") + 1])
    stream, tags = found["streams"][0], found["format"]["tags"]
    expect("ffprobe", path, "rate", int(stream["sample_rate"]), told["sample_rate"])
    expect("ffprobe", path, "channels", stream["channels"], told["channels"])
    expect("ffprobe", path, "frames", stream["duration_ts"], told["frames"])
    expect("ffprobe", path, "title", tags["title"], told["title"])
    expect("ffprobe", path, "seed in the comment", json.loads(tags["comment"])["seed"], told["recipe"]["seed"])
    expect("ffprobe", path, "software", tags["encoder"], told["software"])


def with_sndfile(path, told, bits):
    text = run("sndfile-info", path)
    quiet("sndfile-info", path, text)
    if told["instrument"]:
        contains("sndfile-info", path, text, "inst : 7", f"Midi Note    : {told['root_key']}")
    contains("sndfile-info", path, text, "LIST", "INFO", told["title"], f"Frames      : {told['frames']}")
    if told["one_shot"] or told["tempo_bpm"]:
        contains("sndfile-info", path, text, "acid")
    if told["loop_frames"]:
        start, end = told["loop_frames"]
        contains("sndfile-info", path, text, "smpl", str(start), str(end - 1))


def with_mediainfo(path, told, bits):
    track = json.loads(run("mediainfo", "--Output=JSON", path))["media"]["track"]
    expect("mediainfo", path, "rate", int(track[1]["SamplingRate"]), told["sample_rate"])
    expect("mediainfo", path, "depth", int(track[1]["BitDepth"]), bits)
    expect("mediainfo", path, "title", track[0].get("Title"), told["title"])


def with_wavinfo(path, told, bits):
    import wavinfo

    info = wavinfo.WavInfoReader(str(path))
    expect("wavinfo", path, "rate", info.fmt.sample_rate, told["sample_rate"])
    expect("wavinfo", path, "channels", info.fmt.channel_count, told["channels"])
    expect("wavinfo", path, "bits", info.fmt.bits_per_sample, bits)
    expect("wavinfo", path, "frames", info.data.frame_count, told["frames"])
    expect("wavinfo", path, "title", info.info.title, told["title"])
    expect("wavinfo", path, "software", info.info.software, told["software"])
    expect("wavinfo", path, "recipe", json.loads(info.info.comment)["seed"], told["recipe"]["seed"])
    if told["root_key"] is not None:
        expect("wavinfo", path, "root key", info.smpl.midi_note, told["root_key"])
    for chunk in info.main_list if told["instrument"] else []:
        if getattr(chunk, "ident", None) == b"inst":
            it, body = told["instrument"], chunk.read_data(path.open("rb"))
            need = (it["root_key"], it["fine_tune_cents"], it["gain_db"], *it["keys"], *it["velocities"])
            expect("wavinfo", path, "inst", struct.unpack("<BbbBBBB", body[:7]), need)
            told["instrument_seen"] = True
    expect("wavinfo", path, "has inst", told.get("instrument_seen", False), told["instrument"] is not None)
    if told["loop_frames"]:
        found = info.smpl.sample_loops[0]
        expect("wavinfo", path, "loop", [found.start, found.end + 1], told["loop_frames"])


def check_wav(path, bits):
    told = inspect(path)
    for program, check in (
        ("soxi", with_sox),
        ("ffprobe", with_ffprobe),
        ("sndfile-info", with_sndfile),
        ("mediainfo", with_mediainfo),
    ):
        if shutil.which(program):
            check(path, told, bits)
    if importlib.util.find_spec("wavinfo"):
        with_wavinfo(path, told, bits)


def check_kit(folder):
    """Plays the kit's kick through sfizz, and compares it with the WAV."""
    import numpy
    import pysfizz

    rate = inspect(folder / "kick_000001.wav")["sample_rate"]
    synth = pysfizz.Synth(sample_rate=rate, block_size=64)
    if not synth.load_sfz_file(folder / "kit.sfz"):
        problems.append("sfizz: kit.sfz is not loaded")
        return
    expect("sfizz", folder / "kit.sfz", "keys", sorted(synth.playable_keys), [36, 38, 42, 46])
    heard = synth.render_note(36, 127, 0.1, 1.5)[0]
    raw = run_bytes("sox", folder / "kick_000001.wav", "-t", "f32", "-c", "1", "-")
    sound = numpy.frombuffer(raw, numpy.float32)
    reach = numpy.correlate(heard, sound, "valid").max() / (
        numpy.linalg.norm(heard) * numpy.linalg.norm(sound) + 1e-12
    )
    print(f"sfizz plays the kick: correlation with its WAV {reach:.6f}")
    expect("sfizz", folder / "kit.sfz", "what it plays is the sound", bool(reach > 0.999), True)


def run_bytes(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, check=True).stdout


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for extra in ([], ["--loop"]):
            for form, bits in FORMATS.items():
                path = folder / f"{form}{'-loop' if extra else ''}.wav"
                said = run(BROWNIAN, "render", "drums", "--class", "kick", "--seed", 1, "--steps", 2, "--format", form,
                           "--channels", 2, *extra, "--out", path)
                if path.exists():
                    check_wav(path, bits)
                else:
                    print(f"not made: {path.name}: {(said.strip().splitlines() or ['no word'])[0]}")
        for path in sys.argv[2:]:
            check_wav(pathlib.Path(path), 24)
        kit = folder / "kit"
        for sound in ("kick", "snare", "closed-hat", "open-hat"):
            run(BROWNIAN, "render", "drums", "--class", sound, "--seed", 1, "--steps", 4, "--out", kit)
        print(run(BROWNIAN, "export", "kit", kit, "--out", kit / "kit").strip())
        if importlib.util.find_spec("pysfizz") and importlib.util.find_spec("numpy"):
            check_kit(kit)
        else:
            print("not there: pysfizz; the kit was not played")
    print("read by:", ", ".join(sorted(readers)))
    for problem in problems:
        print("PROBLEM", problem)
    sys.exit(1 if problems or len(readers - {"sfizz"}) < 2 else 0)


main()
