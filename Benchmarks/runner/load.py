"""Running the load generators: jobqload (C) and redis_py.py, and how much of the machine others took meanwhile."""

import json
import os
import shutil
import subprocess
import sys
import time

from .servers import Failure


class Tools:
    """Where the programs are; builds what can be built here."""

    def __init__(self, here, jobqd, against, line_server, folder):
        self.here, self.folder = here, folder
        self.paths = {
            "jobqd": jobqd or os.path.join(here, "..", ".build", "optimized", "release", "jobqd"),
            "other jobqd": against or "",
            "line-server": line_server or os.path.join(here, ".build", "release", "line-server"),
            "jobqload": os.path.join(here, "load", "jobqload"),
        }

    def build(self, name):
        """Brings jobqload up to date, or builds a missing line-server; jobqd is the caller's business."""
        if name == "jobqload":
            subprocess.run(["make", "-s", "-C", os.path.join(self.here, "load")], check=True)
        elif name == "line-server" and not os.path.exists(self.paths[name]) and shutil.which("swift"):
            print("  building line-server", file=sys.stderr)
            subprocess.run(["swift", "build", "-c", "release", "--package-path", self.here, "--product", name],
                           stdout=subprocess.DEVNULL, check=True)

    def need(self, name):
        path = os.path.abspath(self.paths[name])
        if not os.access(path, os.X_OK):
            raise Failure(f"{name} is not built ({path})")
        return path

    def python_with_redis(self):
        for candidate in (sys.executable, "/usr/bin/python3"):
            if subprocess.run([candidate, "-c", "import redis"], capture_output=True).returncode == 0:
                return candidate
        raise Failure("no python3 with the redis module (Debian: python3-redis)")


def busy_seconds():
    """CPU time the whole machine has used so far, without idling."""
    with open("/proc/stat") as stat:
        ticks = [int(word) for word in stat.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """CPU time of another process, all its threads: its clock by clock_getcpuclockid(3)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e9


def run(command, servers):
    """Runs a generator to its end; its JSON, with `elsewhere`: the part of the machine's CPUs that others used."""
    began = time.monotonic()
    busy, own = busy_seconds(), sum(cpu_seconds(s.pid) for s in servers)
    children = os.times()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        logs = "".join(f"\n{s.name}'s log: {s.log()[-500:]}" for s in servers if s.log().strip())
        raise Failure(f"{' '.join(command[:2])}: {done.stderr.strip()}{logs}")
    for server in servers:
        if not server.is_running():
            raise Failure(f"{server.name} has ended: {server.log()}")
    after = os.times()
    generator = after.children_user - children.children_user + after.children_system - children.children_system
    others = busy_seconds() - busy - (sum(cpu_seconds(s.pid) for s in servers) - own) - generator
    result = json.loads(done.stdout)
    result["elsewhere"] = max(0, others) / ((time.monotonic() - began) * os.cpu_count())
    return result


def jobqload(tools, scenario, target, watch, **options):
    """One run of jobqload against `target`; every server in `watch` has its CPU measured under its name."""
    kind = {"jobqd": "--jobqd", "beanstalkd": "--beanstalkd", "line-server": "--line"}[target.name]
    command = [tools.need("jobqload"), scenario, kind, target.path]
    for server in watch:
        command += ["--watch", f"{server.name}={server.pid}"]
    for key, value in options.items():
        command += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return run(command, watch)


def redis_py(tools, redis, **options):
    command = [tools.python_with_redis(), os.path.join(tools.here, "redis_py.py"), "--socket", redis.path,
               "--redis-pid", str(redis.pid)]
    for key, value in options.items():
        command += [f"--{key}", str(value)]
    return run(command, [redis])
