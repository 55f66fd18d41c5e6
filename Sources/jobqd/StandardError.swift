// Words to whoever started the daemon, before there is a log.

import Glibc

/// Standard error, one message at a time.
enum StandardError {
    /// Writes the text as one or more lines, `jobqd: ` before the first.
    static func write(_ text: String) {
        let line = Array("jobqd: \(text)\n".utf8)
        // Nothing can be done if even that fails.
        _ = Glibc.write(STDERR_FILENO, line, line.count)
    }
}
