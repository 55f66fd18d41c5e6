#!/usr/bin/env python3
"""Attacks jobqd as one client against all others, and measures what the others notice.

    python3 Benchmarks/attacks.py [--quick] [--only NAME]... [--jobqd PATH] [--json FILE]

Each attack has a daemon and a Redis of its own. Beside it a well-behaved client, a process of its own, pings and works;
the same client has been measured undisturbed before. Three demands, one row for each attack:

    turn    no turn of the loop is longer than 20 ms (the daemon's own histogram, jobqd_loop_turn_seconds)
    cycle   the client's enqueue, claim, complete takes at most 10 times what it takes undisturbed (both p99)
    memory  the daemon's memory stays below its budget and a fifth (--memory MiB)

Ends with status 1 when one is not met. Needs redis-server and jobqd built for release; the machine should be idle: what
others do to the cores counts as the daemon's. An attack is a function in attacks/*.py that carries `@attack`.
"""

import argparse
import json
import os
import sys

from attacks import ALL
from attacks.stage import Stage

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter attacks: to see that it works")
    parser.add_argument("--only", action="append", choices=list(ALL), metavar="NAME",
                        help="only this attack (repeatable): " + ", ".join(ALL))
    parser.add_argument("--jobqd", metavar="PATH", default=os.path.join(ROOT, ".build/optimized/release/jobqd"),
                        help="the daemon (default: .build/optimized/release/jobqd)")
    parser.add_argument("--memory", metavar="MiB", type=int, default=256, help="the daemon's budget (default: 256)")
    parser.add_argument("--json", metavar="FILE", help="also write the figures there")
    return parser.parse_args()


def main():
    options = arguments()
    results = []
    print(f"{'attack':<16} {'turns > 20 ms':>13} {'longest':>9} {'cycle p99':>10} {'undisturbed':>11} {'ratio':>6} "
          f"{'memory':>8}  what was done")
    for name in options.only or ALL:
        with Stage(options.jobqd, quick=options.quick) as stage:
            result = stage.run(name, ALL[name])
        result["met"] = (result["long_turns"] == 0 and result["ratio"] <= 10
                         and result["peak_mib"] <= options.memory * 1.2)
        results.append(result)
        print(f"{name:<16} {result['long_turns']:>13} {result['longest_ms']:>6.1f} ms {result['cycle_ms']:>7.2f} ms "
              f"{result['undisturbed_ms']:>8.2f} ms {result['ratio']:>6.1f} {result['peak_mib']:>4.0f} MiB  "
              f"{result['said']}{'' if result['met'] else '   NOT MET'}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    return 0 if all(result["met"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
