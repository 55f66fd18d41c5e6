"""The stage of the demo: a jobqd with a Redis of its own in a temporary folder, workers, and a connection to look on.

Everything that is started here ends with the `with` block, also when it is left by Ctrl-C; and should this process be
killed, the kernel ends its children (setpriv --pdeathsig).
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PACKAGE = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {
    "bash": PACKAGE / "examples/worker.sh",
    "python": PACKAGE / "examples/worker.py",
    "swift": PACKAGE / ".build/examples/debug/worker",
}


class Failure(Exception):
    """Something did not work; the text says what."""


class Stage:
    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="jobqd-demo-", dir="/tmp"))
        self.socket = self.folder / "jobqd.sock"
        self.workers = {}
        self.daemon = None
        return self

    def start_daemon(self):
        configuration = self.folder / "jobqd.conf"  # empty: nothing of this machine's configuration is used
        configuration.touch()
        arguments = ["--config", configuration, "--socket", self.socket, "--state-dir", self.folder / "state"]
        self.daemon = self._start("jobqd", [PACKAGE / ".build/debug/jobqd", *arguments])
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.daemon.poll() is None:
            try:
                if Connection(self.socket).reply("ping", store=True)["ok"]:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failure("jobqd did not start:\n" + self.log("jobqd"))

    def start_worker(self, language, queue):
        name = f"{language}-{sum(w.startswith(language) for w in self.workers) + 1}"
        self.workers[name] = self._start(name, [PROGRAMS[language], self.socket, queue, name])
        return name

    def signal(self, name, number):
        self.workers[name].send_signal(number)

    def kill(self, name):
        """SIGKILL: the worker gets no chance to say good-bye."""
        process = self.workers.pop(name)
        process.kill()
        process.wait()

    def check(self):
        """Nobody may end unless we end it."""
        for name, process in {"jobqd": self.daemon, **self.workers}.items():
            if process.poll() is not None:
                raise Failure(f"{name} ended on its own ({process.returncode}):\n{self.log(name)}")

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def _start(self, name, command):
        # A session of its own: Ctrl-C is for the demo, which then ends the others in order.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JOBQD_")}
        with open(self.folder / f"{name}.log", "wb") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # impatience must not leave anything behind
        for name in list(self.workers):
            self.kill(name)
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)  # it ends its redis-server before itself
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Connection:
    """A client of jobqd in a few lines: one request, one reply."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def reply(self, op, **members):
        self.socket.sendall(json.dumps({"op": op, **members}).encode() + b"\n")
        line = self.lines.readline()
        if not line:
            raise Failure("jobqd closed the connection")
        return json.loads(line)

    def ask(self, op, **members):
        reply = self.reply(op, **members)
        if not reply["ok"]:
            raise Failure(f"{op}: {reply['error']['message']}")
        return reply
