#!/usr/bin/env python3
"""Plays the VST3 in real hosts: pedalboard and dawdreamer (both JUCE), and Ardour where it is installed.

    cargo xtask bundle --release
    python3 -m venv target/hosts && target/hosts/bin/pip install pedalboard==0.9.26 dawdreamer==0.9.0 numpy
    target/hosts/bin/python scripts/check-plugin-hosts.py target/bundled/Brownian.vst3

A host that is not installed is skipped, and said so. For Ardour: apt-get install --no-install-recommends ardour.
Prints one line for each check; exits with 1 if any failed.
"""

import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

RATES = (44100, 48000, 96000)
failures = []


def check(host, what, is_good, found=""):
    print(f"{'ok  ' if is_good else 'FAIL'}  {host:10}  {what}{f': {found}' if found != '' else ''}", flush=True)
    if not is_good:
        failures.append(f"{host}: {what}")


def note(key, at_s, velocity=127):
    return (bytes([0x90, key, velocity]), at_s)


def end(key, at_s):
    return (bytes([0x80, key, 0]), at_s)


def likeness(np, one, other):
    """How much two sounds are the same but for their level, 0 to 1."""
    length = min(len(one), len(other))
    one, other = one[:length].astype(float), other[:length].astype(float)
    return abs(one @ other) / np.sqrt((one @ one) * (other @ other))


def stretched(np, sound, ratio):
    """`sound` as it is at `ratio` times the speed; good enough for a kick, whose sound lies far below the rates."""
    return np.interp(np.arange(int(len(sound) / ratio)) * ratio, np.arange(len(sound)), sound)


def check_pitch(np, host, render):
    """`render` takes a key and a rate."""
    sounds = {}
    for rate in RATES:
        sounds[rate] = render(60, rate)
        octave = likeness(np, stretched(np, sounds[rate], 2), render(72, rate))
        check(host, f"an octave up is twice as fast at {rate} Hz", octave > 0.98, f"{octave:.4f}")
    for rate in RATES[1:]:
        same = likeness(np, stretched(np, sounds[rate], rate / RATES[0]), sounds[RATES[0]])
        check(host, f"the pitch at {rate} Hz is that at {RATES[0]} Hz", same > 0.98, f"{same:.4f}")


def pedalboard(np, path):
    import pedalboard as host

    name = "pedalboard"
    start = time.time()
    plugin = host.load_plugin(path)
    check(name, "loads as an instrument", plugin.is_instrument, f"{time.time() - start:.1f} s, {len(plugin.parameters)} parameters")

    def render(midi, rate=44100, seconds=1.0, **options):
        return plugin(midi, duration=seconds, sample_rate=rate, num_channels=2, **options)

    melody = [note(60, 0.0), note(67, 0.1), end(60, 0.8), end(67, 0.9)]
    first = render(melody)
    check(name, "makes sound", np.abs(first).max() > 0.05, f"peak {np.abs(first).max():.3f}")
    check(name, "a second render is the same", np.array_equal(first, render(melody)))
    for size in (16, 64, 441, 4096):
        difference = np.abs(render(melody, buffer_size=size) - first).max()
        # JUCE puts events of VST3 on frames of its own rounding; the plugin's own tests compare bits.
        check(name, f"blocks of {size} sound the same", difference < 1e-6, f"difference {difference:.1e}")
    check_pitch(np, name, lambda key, rate: render([note(key, 0.0)], rate)[0])
    state = plugin.raw_state
    # Its keys are names with units.
    tune = next(key for key in plugin.parameters if key.startswith("tune"))
    plugin.parameters[tune].raw_value = 0.6
    tuned = render(melody)
    check(name, "a parameter is heard", not np.array_equal(first, tuned))
    other = host.load_plugin(path)
    other.raw_state = state
    check(name, "a state comes back in a fresh instance", np.array_equal(other(melody, duration=1.0, sample_rate=44100, num_channels=2), first))
    other.raw_state = plugin.raw_state
    check(name, "a second state over the first", np.array_equal(other(melody, duration=1.0, sample_rate=44100, num_channels=2), tuned))


def dawdreamer(np, path):
    import dawdreamer as host

    name = "dawdreamer"

    def engine(rate, size=512):
        daw = host.RenderEngine(rate, size)
        plugin = daw.make_plugin_processor("brownian", path)
        daw.load_graph([(plugin, [])])
        return daw, plugin

    def render(daw, plugin, notes, seconds=1.0):
        plugin.clear_midi()
        for key, start, length in notes:
            plugin.add_midi_note(key, 127, start, length)
        daw.render(seconds)
        return daw.get_audio().copy()

    notes = [(60, 0.0, 0.8), (67, 0.1, 0.8)]
    daw, plugin = engine(44100)
    first = render(daw, plugin, notes)
    check(name, "makes sound", np.abs(first).max() > 0.05, f"peak {np.abs(first).max():.3f}")
    check(name, "a second render is the same", np.array_equal(first, render(daw, plugin, notes)))
    check_pitch(np, name, lambda key, rate: render(*engine(rate), [(key, 0.0, 1.0)])[0])
    tuned_daw, tuned = engine(44100)
    tune = next(entry["index"] for entry in tuned.get_parameters_description() if entry["name"] == "Tune")
    tuned.set_parameter(tune, 0.6)
    check(name, "a parameter is heard", not np.array_equal(render(tuned_daw, tuned, notes), first))
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "state")
        plugin.save_state(file)
        other_daw, other = engine(44100)
        try:
            other.load_state(file)
        except RuntimeError as error:
            print(f"skip  {name}  a state: {error}")
            return
        check(name, "a state comes back in a fresh instance", np.array_equal(render(other_daw, other, notes), first))


ARDOUR_SESSION = """
AudioEngine:set_backend("None (Dummy)", "", "")
session = create_session("{folder}/session", "brownian", 48000)
plugin = ARDOUR.LuaAPI.new_plugin_info("Brownian", ARDOUR.PluginType.VST3)
midi, audio = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1), ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2)
last, normal = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
tracks = session:new_midi_track(midi, audio, true, plugin, nil, nil, 1, "Brownian", last, normal, true)
instrument = tracks:front():the_instrument()
print("OUTPUTS " .. instrument:output_streams():n_audio())
session:save_state("")
close_session()
quit()
"""


def ardour(_, path):
    name = "ardour"
    program, scanner = shutil.which("ardour7-lua"), glob.glob("/usr/lib/ardour*/ardour-vst3-scanner")
    if not (program and scanner):
        print("skip  ardour      not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        vst3 = os.path.join(folder, ".vst3")
        shutil.copytree(path, os.path.join(vst3, "Brownian.vst3"))
        libraries = os.path.dirname(scanner[0])
        surroundings = {**os.environ, "HOME": folder, "VST3_PATH": vst3, "LD_LIBRARY_PATH": libraries}
        scan = subprocess.run([scanner[0], "-v", "-f", os.path.join(vst3, "Brownian.vst3")], env=surroundings, capture_output=True, text=True, timeout=120)
        check(name, "the scanner finds the instrument", "Brownian" in scan.stdout + scan.stderr and scan.returncode == 0)
        del surroundings["LD_LIBRARY_PATH"]
        script = os.path.join(folder, "session.lua")
        with open(script, "w", encoding="utf-8") as file:
            file.write(ARDOUR_SESSION.format(folder=folder))
        session = subprocess.run([program, script], env=surroundings, capture_output=True, text=True, timeout=240)
        said = session.stdout + session.stderr
        check(name, "a MIDI track plays it over two outputs", "OUTPUTS 2" in said, "" if "OUTPUTS 2" in said else said[-600:])
        saved = glob.glob(os.path.join(folder, "session", "*.ardour"))
        check(name, "the session keeps it", any("Brownian" in open(file).read() for file in saved))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plugin", help="Brownian.vst3")
    parser.add_argument("--only", choices=("pedalboard", "dawdreamer", "ardour"), help="one host")
    options = parser.parse_args()
    try:
        import numpy as np
    except ImportError:
        sys.exit("needs numpy; see the first lines of this file")
    for host in (pedalboard, dawdreamer, ardour):
        if options.only not in (None, host.__name__):
            continue
        try:
            host(np, os.path.abspath(options.plugin))
        except ImportError as error:
            print(f"skip  {host.__name__:10}  not installed ({error.name})")
    if failures:
        sys.exit(f"{len(failures)} failed: " + "; ".join(failures))


if __name__ == "__main__":
    main()
