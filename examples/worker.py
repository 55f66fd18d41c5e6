#!/usr/bin/env python3
"""A jobqd worker in Python: worker.py SOCKET QUEUE [NAME]. Standard library only.
A job's payload may say {"ms":50,"needs":"/path"}: work for so long, and fail when there is no such file."""
import json, os, socket, sys, threading, time

path, queue = sys.argv[1:3]
name = sys.argv[3] if len(sys.argv) > 3 else f"python-{os.getpid()}"

class Jobqd:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def ask(self, op, **members):
        self.socket.sendall(json.dumps({"op": op, **members}).encode() + b"\n")
        reply = json.loads(self.lines.readline() or sys.exit(f"{name}: jobqd is gone"))
        if not reply["ok"] and reply["error"]["code"] not in ("lease_lost", "not_found"):
            sys.exit(f"{name}: {op}: {reply['error']['message']}")
        return reply  # lease_lost, not_found: too late, somebody else has the job

def heartbeat(lease, seconds, done):
    jobqd = Jobqd()  # a connection of its own: a lease belongs to its token, not to a connection
    while not done.wait(seconds) and jobqd.ask("extend", **lease)["ok"]: pass
def work(ms=0, needs=None, **_):
    time.sleep(ms / 1000)
    if needs: os.stat(needs)

jobqd, jobs, claim = Jobqd(), [], {"queue": queue, "wait_ms": 30_000}
jobqd.ask("hello", protocol=1, worker=name)
while True:
    for job in jobs or jobqd.ask("claim", **claim)["jobs"]:
        lease, done = {"job": job["job"], "token": job["token"]}, threading.Event()
        threading.Thread(target=heartbeat, args=(lease, job["lease_ms"] / 3000, done), daemon=True).start()
        try:
            work(**job["payload"] if isinstance(job["payload"], dict) else {})
            end = {"op": "complete", "result": {"by": name}}
        except Exception as problem: end = {"op": "fail", "error": str(problem)}
        done.set()
        jobs = jobqd.ask(**end, **lease, next=claim).get("jobs", [])  # the answer brings the next job
