"""Starting and stopping the servers under measurement, each in a folder of its own below one temporary folder.

Everything is ended by the process object that started it, also when a measure fails. Paths are short, because a Unix
socket's path has at most 107 bytes.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

REDIS_OPTIONS = {
    "port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction",
    "hash-max-listpack-value": "1024", "zset-max-listpack-entries": "0", "daemonize": "no",
}


class Failure(Exception):
    """A measure could not be taken; the text says why."""


class Server:
    """A running server: its process, its socket, its folder."""

    def __init__(self, name, command, folder, path):
        self.name, self.folder, self.path = name, folder, path
        self.log_path = os.path.join(folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        self.pid = self.process.pid
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(self.path)
                    return
                except OSError:
                    time.sleep(0.02)
        log = self.log()
        self.stop()
        raise Failure(f"{self.name} does not come up:\n{log}")

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-3000:]

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def memory(self):
        """Resident bytes, and of these the ones nobody shares."""
        rss = private = 0
        with open(f"/proc/{self.pid}/smaps_rollup") as rollup:
            for line in rollup:
                words = line.split()
                if words[0] == "Rss:":
                    rss = int(words[1]) * 1024
                elif words[0] in ("Private_Clean:", "Private_Dirty:"):
                    private += int(words[1]) * 1024
        return rss, private


class Place:
    """A temporary folder with the servers of one measure; a context manager that leaves nothing behind."""

    def __init__(self, tools):
        self.tools = tools
        self.servers = []
        self.folder = tempfile.mkdtemp(prefix="jqb.", dir=tools.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, make_command):
        folder = os.path.join(self.folder, f"{name}{len(self.servers)}")
        os.mkdir(folder)
        path = os.path.join(folder, "s")
        server = Server(name, make_command(folder, path), folder, path)
        self.servers.append(server)
        return server

    def redis(self):
        options = [word for key, value in REDIS_OPTIONS.items() for word in (f"--{key}", value)]
        return self.start("redis", lambda folder, path: [
            "redis-server", *options, "--unixsocket", path, "--unixsocketperm", "600", "--dir", folder])

    def jobqd(self, redis, other=False):
        command = self.tools.need("other jobqd" if other else "jobqd")
        return self.start("jobqd", lambda folder, path: [
            command, "--socket", path, "--state-dir", folder, "--redis", f"unix://{redis.path}"])

    def beanstalkd(self):
        return self.start("beanstalkd", lambda folder, path: [
            "beanstalkd", "-l", f"unix:{path}", "-b", folder, "-f", "1000"])

    def line_server(self):
        command = self.tools.need("line-server")
        return self.start("line-server", lambda folder, path: [command, path])


def redis_flush(redis):
    """Empties a Redis."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(redis.path)
        s.sendall(b"FLUSHALL\r\n")
        if s.recv(64) != b"+OK\r\n":
            raise Failure("Redis does not forget")


def redis_info(redis, key):
    """One number of Redis's INFO."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(redis.path)
        s.sendall(b"INFO\r\n")
        text = b""
        while b"\r\n" not in text or len(text) < int(text[1:text.index(b"\r\n")]) + text.index(b"\r\n") + 4:
            text += s.recv(65536)
    for line in text.decode().splitlines():
        if line.startswith(key + ":"):
            return int(line.split(":")[1])
    raise Failure(f"Redis's INFO has no {key}")
