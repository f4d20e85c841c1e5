"""Medians as tables or as JSON lines."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One engine on one case."""

    case: str
    what: str
    engine: str
    threads: int
    median_ms: float
    gflops: float
    peak_gflops: float
    batch: int
    runs: int


def print_json(results, _):
    for result in results:
        line = {**vars(result), "share_of_peak": result.gflops / result.peak_gflops}
        print(json.dumps({name: round(value, 4) if isinstance(value, float) else value for name, value in line.items()}))


def print_tables(results, found):
    facts = {case.name: case.facts() for case in found}
    groups = {}
    for result in results:
        groups.setdefault((result.case, result.what, result.threads), []).append(result)
    for (case, what, threads), group in groups.items():
        f = facts[case]
        clips = "1 clip" if group[0].batch == 1 else f"{group[0].batch} clips"
        print(f"\n{case}, {what}, {clips}, {threads} thread{'s' if threads > 1 else ''}", end=": ")
        print(f"{f['parameters'] / 1e6:.2f} M parameters, {f['gflop']:.3f} GFLOP a clip forward,", end=" ")
        print(f"{f['frames']} frames of {f['channels']}; peak {group[0].peak_gflops:.0f} GFLOP/s")
        ours = next((r for r in group if r.engine == "brownian"), None)
        print(f"  {'engine':<12} {'median ms':>10} {'GFLOP/s':>9} {'of peak':>8} {'brownian / it':>14} {'runs':>5}")
        for r in group:
            ratio = f"{ours.median_ms / r.median_ms:.2f}" if ours else "-"
            share = f"{100 * r.gflops / r.peak_gflops:.0f} %"
            print(f"  {r.engine:<12} {r.median_ms:>10.2f} {r.gflops:>9.1f} {share:>8} {ratio:>14} {r.runs:>5}")
    print_scaling(results)


def print_scaling(results):
    """Time with more threads as a share of the time with one."""
    one = {(r.case, r.what, r.engine): r.median_ms for r in results if r.threads == 1}
    more = [r for r in results if r.threads > 1 and (r.case, r.what, r.engine) in one]
    if more:
        print("\ntime with more threads by time with one")
    for r in more:
        ratio = r.median_ms / one[r.case, r.what, r.engine]
        print(f"  {r.case:<9} {r.what:<8} {r.engine:<12} {r.threads} threads {ratio:.2f}")
