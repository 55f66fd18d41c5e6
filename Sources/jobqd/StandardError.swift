// Words to whoever started the daemon, before there is a log.

import Glibc

/// Standard error, one message at a time.
enum StandardError {
    /// Writes one or more lines, each of which names who speaks: `jobqd: …` or `FILE:LINE: …`.
    static func write(_ text: String) {
        let line = Array("\(text)\n".utf8)
        // Nothing can be done if even that fails.
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
