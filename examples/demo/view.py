"""The queues while they work: a table that is drawn anew on a terminal, a line each second elsewhere."""
import os
import shutil
import sys
import time

COLUMNS = ["scheduled", "queued", "processing", "retrying", "completed", "dead"]


class View:
    def __init__(self):
        self.is_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.has_colours = self.is_terminal and not os.environ.get("NO_COLOR")
        self.begin = time.monotonic()
        self.drawn = 0  # lines of the table on the screen
        self.next_line = 0

    def __enter__(self):
        self._write("\033[?25l")  # the cursor would only flicker
        return self

    def __exit__(self, *_):
        self._write("\033[?25h")

    @property
    def elapsed(self):
        return time.monotonic() - self.begin

    def say(self, text):
        """A line that stays, above the table."""
        self._clear()
        mark, end = ("\033[1m", "\033[0m") if self.has_colours else ("", "")
        print(f"{mark}{self.elapsed:5.1f} s  {text}{end}", flush=True)

    def show(self, queues):
        """`queues`: name → the reply of `stats`."""
        if self.is_terminal:
            width = shutil.get_terminal_size().columns - 1  # a wrapped line would spoil the redrawing
            lines = [line[:width] for line in self._table(queues)]
            self._clear()
            print("\n".join(lines), flush=True)
            self.drawn = len(lines)
        elif self.elapsed >= self.next_line:
            self.next_line = self.elapsed + 1
            texts = (f"{name} {s['depth']['queued']}+{s['depth']['processing']}+{s['totals']['completed']}"
                     for name, s in queues.items())
            print(f"{self.elapsed:5.1f} s    waiting+at work+done: " + ", ".join(texts), flush=True)

    def _table(self, queues):
        rows = ["  " + f"{'':12}" + "".join(f"{c:>11}" for c in COLUMNS)]
        for name, stats in queues.items():
            cells = (stats["totals"][c] if c == "completed" else stats["depth"][c] for c in COLUMNS)
            done = stats["totals"]["completed"] / max(1, stats["totals"]["enqueued"])
            bar = "█" * round(16 * done) + "·" * (16 - round(16 * done))
            rows.append(f"  {name:12}" + "".join(f"{c or '·':>11}" for c in cells) + "  " + bar)
        return rows

    def _clear(self):
        if self.drawn:
            self._write(f"\033[{self.drawn}F\033[J")
            self.drawn = 0

    def _write(self, sequence):
        if self.is_terminal:
            print(sequence, end="", flush=True)
