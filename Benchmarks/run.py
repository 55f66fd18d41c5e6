#!/usr/bin/env python3
"""Measures jobqd against beanstalkd, redis-py and a bare line server, all in one run, and prints the tables.

    python3 Benchmarks/run.py [--quick] [--only NAME]... [--jobqd PATH] [--against PATH] [--line-server PATH]
                             [--json FILE]

Needs redis-server, beanstalkd, python3-redis, a C compiler, and jobqd built for release. Uses the Python standard
library only, starts everything in one temporary folder and ends only what it started. What the rows mean: README.md.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile

from runner import measures
from runner.load import Tools
from runner.servers import Failure, Place
from runner.table import measures_table, runs_table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short windows, one round: to see that it works")
    parser.add_argument("--only", action="append", choices=list(measures.ALL), metavar="NAME",
                        help="only this measure (repeatable): " + ", ".join(measures.ALL))
    parser.add_argument("--jobqd", metavar="PATH", help="the daemon (default: .build/optimized/release/jobqd)")
    parser.add_argument("--against", metavar="PATH", help="another build of the daemon: only the two are compared")
    parser.add_argument("--line-server", metavar="PATH", help="the bare line server (default: built here)")
    parser.add_argument("--json", metavar="FILE", help="also write everything measured there")
    return parser.parse_args()


def take(bench, names):
    """Takes the measures one after the other; the reasons of those that failed. An interrupt ends it early."""
    failures = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            with Place(bench.tools) as place:
                measures.ALL[name](bench, place)
        except (Failure, subprocess.CalledProcessError) as failure:
            failures.append(f"{name}: {failure}")
            print(f"  {failure}", file=sys.stderr)
        except KeyboardInterrupt:
            failures.append(f"{name} and what follows: interrupted")
            break
    return failures


def show(bench, failures):
    print(f"\n{platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}; load before {bench.load[0]:.1f}\n")
    if bench.rows:
        print(measures_table(bench.rows) + "\n")
    if bench.runs:
        print("A job (or request) costs and takes; latency is enqueue sent to job in hand; \"others\" is the part of the\n"
              "machine that was busy with something else:\n")
        print(runs_table(bench.runs))
    for failure in failures:
        print(f"\nNOT MEASURED {failure}")


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    folder = tempfile.mkdtemp(prefix="jqb.", dir="/tmp")
    try:
        tools = Tools(os.path.dirname(os.path.abspath(__file__)), options.jobqd, options.against, options.line_server,
                      folder)
        tools.build("jobqload")
        bench = measures.Bench(tools, options.quick)
        bench.load = os.getloadavg()
        names = ["versions"] if options.against else [name for name in measures.ALL if name != "versions"]
        failures = take(bench, options.only or names)
        show(bench, failures)
        if options.json:
            with open(options.json, "w") as out:
                rows = [{**vars(row), "verdict": row.verdict()} for row in bench.rows]
                json.dump({"rows": rows, "raw": bench.raw, "failures": failures}, out, indent=1)
        return 1 if failures else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
