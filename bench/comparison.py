"""What `bench/compare` does once its environment stands: prepare, check, time, report."""

import statistics
import subprocess
import time

import numpy as np

import cases
import checks
from report import Result, print_json, print_tables
from workers import ENGINES, TRAINERS, Fleet

TOLERANCE = 1e-4
"""Largest difference of an output, as a share of the largest value of the reference."""
GEMM_SIZES = ([256, 256, 768], [512, 512, 512], [1024, 1024, 1024], [2048, 256, 768])
GEMM_ENGINES = ("pytorch", "numpy", "candle")
BLOCK_MS = 40.0
"""An engine's turn lasts about this long: it finds its caches again, and no other's threads are still spinning."""
QUICK_S = 40.0
"""Of a quick run's 50 s; the rest is for starting the processes and the last round's overrun."""


def find_cases(arguments, engine, work):
    """The networks that were asked for, prepared."""
    wave = work / "wave.safetensors"
    known = {
        "drums": (arguments.model, "fine", 16),
        "envelope": (arguments.model, "envelope", 16),
        "wave": (wave, "fine", 1),
    }
    found = []
    for name in arguments.cases.split(","):
        if name not in known:
            raise SystemExit(f"compare: no case {name}; known are {', '.join(known)}")
        if name == "wave":
            work.mkdir(parents=True, exist_ok=True)
            subprocess.run([str(engine), "wave", str(wave)], check=True)
        model, stage, batch = known[name]
        found.append(cases.Case(name, model.resolve(), stage, batch, work / name))
        cases.prepare(found[-1])
    return found


class Timings:
    """Milliseconds by (case, what, engine, threads), taken in turns."""

    def __init__(self, fleet, jobs, gemms):
        self.fleet, self.jobs, self.gemms = fleet, jobs, gemms
        self.ms = {job: [] for job in jobs}
        self.gemm_ms = {gemm: [] for gemm in gemms}

    def turn(self, job):
        """One engine's turn: as many runs as fill a block. One before them finds the caches again, unless the runs
        are so long that it does not matter."""
        if not self.ms[job]:
            self.take(job, 1, 1)
        last = self.ms[job][-1]
        self.take(job, int(last < 5 * BLOCK_MS), max(1, min(20, int(BLOCK_MS / last))))

    def take(self, job, warm, repeats):
        case, what, engine, threads = job
        self.ms[job] += self.fleet.ask(engine, threads, case, do=what, warm=warm, repeats=repeats)["ms"]

    def gemm_turn(self, gemm):
        engine, threads, size = gemm
        self.gemm_ms[gemm] += self.fleet.ask(engine, threads, do="gemm", size=list(size), warm=1, repeats=3)["ms"]

    def run(self, rounds, deadline):
        """`rounds` rounds, everyone once in each, and the order turns from round to round. The first is always whole;
        what would pass the deadline after it is left out."""
        took = {}
        for number in range(rounds):
            shift = number % max(1, len(self.jobs))
            for turn, job in self.turns(shift):
                began = time.monotonic()
                if began + took.get(job, 0.0) > deadline and job in took:
                    continue
                turn(job)
                took[job] = time.monotonic() - began

    def turns(self, shift):
        jobs = self.jobs[shift:] + self.jobs[:shift]
        return [(self.gemm_turn, gemm) for gemm in self.gemms] + [(self.turn, job) for job in jobs]

    def peak(self, threads):
        """f32 GFLOP/s of the fastest matrix product: the median of the best engine and size."""
        rates = [
            2e-6 * np.prod(gemm[2]) / statistics.median(ms)
            for gemm, ms in self.gemm_ms.items()
            if gemm[1] == threads and ms
        ]
        return max(rates)


def jobs_of(arguments, found, engines, threads):
    """Engines of the same case beside each other: they are compared."""
    jobs = []
    for case in found:
        for what in arguments.what.split(","):
            if case.name == "wave" and what == "train" and arguments.quick:
                continue
            own = [engine for engine in engines if what == "forward" or engine in TRAINERS]
            jobs += [(case, what, engine, n) for n in threads for engine in own]
    return jobs


def results_of(timings):
    """Medians with rates; a training step counts three times the operations of its forward passes."""
    peaks = {threads: timings.peak(threads) for _, _, _, threads in timings.jobs}
    results = []
    for (case, what, engine, threads), ms in timings.ms.items():
        gflop = case.facts()["gflop"] * (3 * case.batch if what == "train" else 1)
        median = statistics.median(ms)
        rate = gflop / median * 1e3
        batch = case.batch if what == "train" else 1
        results.append(Result(case.name, what, engine, threads, median, rate, peaks[threads], batch, len(ms)))
    return results


def run(arguments, engine, work, say):
    """The whole comparison; returns the exit status."""
    threads = [int(n) for n in arguments.threads.split(",")]
    engines = [name for name in ENGINES if not arguments.engines or name in arguments.engines.split(",")]
    found = find_cases(arguments, engine, work)
    deadline = time.monotonic() + (QUICK_S if arguments.quick else float("inf"))
    fleet = Fleet(engine, engines, threads)
    try:
        errors = checks.outputs(fleet, found, engines, threads, TOLERANCE)
        if arguments.gradients and "brownian" in engines:
            errors += checks.gradients(fleet, found, threads, TOLERANCE)
        for line in errors:
            say(line.text)
        if any(line.failed for line in errors):
            return 1
        if arguments.check_only:
            return 0
        gemms = [(name, n, tuple(size)) for n in threads for name in GEMM_ENGINES for size in GEMM_SIZES]
        timings = Timings(fleet, jobs_of(arguments, found, engines, threads), gemms)
        timings.run(arguments.rounds, deadline)
        results = results_of(timings)
        (print_json if arguments.json else print_tables)(results, found)
    finally:
        fleet.close()
    return 0
