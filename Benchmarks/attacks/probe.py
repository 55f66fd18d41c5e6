"""The well-behaved client, a process of its own: works in cycles until its standard input ends, then prints how long they
took as JSON. Usage: probe.py SOCKET"""

import json
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from attacks.client import Client, Refused  # noqa: E402


def main(path):
    client = Client(path)
    cycles, refusals = [], 0
    while not select.select([sys.stdin], [], [], 0.003)[0]:
        start = time.perf_counter()
        try:
            client.call("enqueue", queue="probe", payload=len(cycles), keep_ms=0)
            for job in client.call("claim", queue="probe", wait_ms=5000)["jobs"]:
                client.call("complete", job=job["job"], token=job["token"])
        except Refused:
            refusals += 1
        cycles.append(time.perf_counter() - start)
    print(json.dumps({"cycles": cycles, "refusals": refusals}))


if __name__ == "__main__":
    main(sys.argv[1])
