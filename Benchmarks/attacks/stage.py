"""A daemon and a Redis of their own for one attack, the client beside it, and what is measured."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from runner.servers import REDIS_OPTIONS, Server

from .client import Client

HERE = os.path.dirname(os.path.abspath(__file__))
# The bound of a turn, as it stands in the histogram.
BOUND = "0.02"
ALL = {}


def attack(function):
    """Registers an attack: a function of a stage that attacks for `stage.seconds` and returns what it did, in words."""
    ALL[function.__name__.replace("_", "-")] = function
    return function


class Stage:
    """Servers below a temporary folder; a context manager that leaves nothing behind."""

    def __init__(self, jobqd, quick):
        self.command, self.seconds = jobqd, 3 if quick else 12
        # Below a file system in memory where there is one: the disk's stalls are not the daemon's.
        self.folder = tempfile.mkdtemp(prefix="jqa.", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.servers = []

    def __enter__(self):
        options = [word for key, value in REDIS_OPTIONS.items() for word in (f"--{key}", value)]
        self.redis = self.start("redis", lambda folder, path: [
            "redis-server", *options, "--unixsocket", path, "--dir", folder])
        self.daemon = self.start("jobqd", lambda folder, path: [
            self.command, "--config", "/dev/null", "--socket", path, "--state-dir", folder,
            "--redis", f"unix://{self.redis.path}"])
        self.wait_for_store()
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, make_command):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        server = Server(name, make_command(folder, folder + "/s"), folder, folder + "/s")
        self.servers.append(server)
        return server

    def wait_for_store(self):
        client = self.client()
        while client.call("info")["redis"]["state"] != "ready":
            time.sleep(0.01)

    def client(self):
        return Client(self.daemon.path)

    # What attacks need

    def enqueue_into(self, queues):
        """Makes queues with a job each."""
        client = self.client()
        for start in range(0, len(queues), 1000):
            client.call("enqueue", jobs=[{"queue": queue, "payload": 1} for queue in queues[start:start + 1000]])
        client.close()

    def keep_up(self, count, work):
        """Runs `work(client, is_over)` on so many connections at a time, in threads, until the attack's time is over."""
        end = time.monotonic() + self.seconds

        def run():
            while time.monotonic() < end:
                try:
                    work(self.client(), lambda: time.monotonic() >= end)
                except (OSError, EOFError):
                    pass

        threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(self.seconds + 60)

    # Measuring

    def turns(self):
        """How many turns there were, how many of them within the bound, and the longest, ms."""
        text = self.client().call("metrics")["text"]

        def value(pattern):
            return float(re.search("^" + pattern + r" (\S+)$", text, re.M).group(1))

        return (value("jobqd_loop_turn_seconds_count"),
                value(r'jobqd_loop_turn_seconds_bucket\{le="' + re.escape(BOUND) + r'"\}'),
                value("jobqd_loop_longest_turn_seconds") * 1000)

    def probe(self):
        return subprocess.Popen([sys.executable, os.path.join(HERE, "probe.py"), self.daemon.path],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def result(probe):
        cycles = sorted(json.loads(probe.communicate("")[0])["cycles"])
        return cycles[min(len(cycles) - 1, int(len(cycles) * 0.99))] * 1000

    def run(self, name, function):
        prepared = getattr(function, "prepare", None)
        if prepared:
            prepared(self)
        probe = self.probe()
        time.sleep(2)
        undisturbed = self.result(probe)
        before = self.turns()
        is_over, peak = threading.Event(), [0]

        def watch():
            while not is_over.wait(0.05):
                peak[0] = max(peak[0], self.daemon.memory()[0])

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        probe = None if getattr(function, "stops_store", False) else self.probe()
        time.sleep(0.3)
        said = function(self)
        cycle = self.result(probe) if probe else undisturbed
        is_over.set()
        watcher.join()
        after = self.turns()
        long_turns = (after[0] - before[0]) - (after[1] - before[1])
        return {"name": name, "said": said, "long_turns": int(long_turns), "longest_ms": after[2], "cycle_ms": cycle,
                "undisturbed_ms": undisturbed, "ratio": cycle / undisturbed, "peak_mib": peak[0] / (1 << 20)}
