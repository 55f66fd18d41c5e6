// The whole screen of a terminal: its alternate screen, keys without Enter, one write for each frame.
//
// What is changed is put back by `leave`, which the owner calls on every way out, signals included. Sequences are those of
// xterm, which every terminal of today understands.

import Glibc

/// Owns the terminal between `enter` and `leave`.
final class FullScreen {
    private var before = termios()
    private var isEntered = false

    /// Whether standard input and output are a terminal that can do it.
    static var isPossible: Bool {
        let isDumb = getenv("TERM").map { ["", "dumb"].contains(String(cString: $0)) } ?? true
        return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !isDumb
    }

    /// Columns and rows now; 80×24 when the terminal does not say.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    func enter() {
        guard !isEntered, tcgetattr(STDIN_FILENO, &before) == 0 else { return }
        isEntered = true
        var raw = before
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        // The alternate screen, no cursor, no wrapping at the right margin.
        Self.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
    }

    func leave() {
        guard isEntered else { return }
        isEntered = false
        Self.write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before)
    }

    /// Shows the lines from the top; what was below them is gone.
    func show(_ lines: [String]) {
        // Each line is cleared behind its text and not before it, so nothing flickers.
        Self.write("\u{1B}[H" + lines.joined(separator: "\u{1B}[K\r\n") + "\u{1B}[K\u{1B}[J")
    }

    private static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 { bytes.removeFirst(count) } else if errno != EINTR { return }
        }
    }
}
