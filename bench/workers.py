"""`Worker`: an engine's process, spoken to in JSON lines; `Fleet`: all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ENGINES = ("brownian", "candle", "pytorch", "onnxruntime", "openvino")
TRAINERS = ("brownian", "pytorch")


class Worker:
    """One process. Its stderr is ours."""

    def __init__(self, command, environment=None):
        self.name = " ".join(Path(part).name for part in command[-2:])
        environment = dict(os.environ, **(environment or {}))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command, default=str) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"compare: {self.name} ended while it ran {command}")
        reply = json.loads(line)
        if "error" in reply:
            raise SystemExit(f"compare: {self.name} cannot run {command}: {reply['error']}")
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Fleet:
    """A process for each engine; ours and numpy's have one for each number of threads."""

    def __init__(self, binary, engines, threads):
        self.engines, self.threads, self.workers, self.loaded = engines, threads, {}, set()
        self.binary = binary

    def worker(self, engine, threads):
        own = threads if engine in ("brownian", "candle", "numpy") else 0
        if (engine, own) not in self.workers:
            self.workers[engine, own] = self.start(engine, own)
        return self.workers[engine, own]

    def start(self, engine, threads):
        if engine in ("brownian", "candle"):
            return Worker([str(self.binary), engine, str(threads)], {"RAYON_NUM_THREADS": str(threads)})
        numpy_threads = {"OPENBLAS_NUM_THREADS": str(threads)} if engine == "numpy" else {}
        return Worker([sys.executable, str(BENCH / "peers.py"), engine], numpy_threads)

    def ask(self, engine, threads, case=None, **command):
        worker = self.worker(engine, threads)
        if case is not None:
            if (worker, case.name) not in self.loaded:
                self.load(worker, case)
            command["case"] = case.name
        return worker.ask(threads=threads, **command)

    def load(self, worker, case):
        places = {"model": case.model, "stage": case.stage, "folder": case.folder, "input": case.input}
        worker.ask(do="load", case=case.name, batch=case.batch, **places)
        self.loaded.add((worker, case.name))

    def close(self):
        for worker in self.workers.values():
            worker.close()
