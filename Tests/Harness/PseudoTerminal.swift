// A program behind a pseudo-terminal, as if a person sat there: what it draws can be read, keys can be sent, the window can
// change its size.
//
// The program has the terminal as its controlling one, so Ctrl-C and a change of size reach it as signals. What it writes
// is taken in by `read` and `waitForEnd` only, in the test's own thread.

import Foundation

/// A running program and the person's end of its terminal.
public final class PseudoTerminal: @unchecked Sendable {
    public let process: ServerProcess
    /// Everything the program has drawn so far, with its control sequences.
    public private(set) var output = ""
    private let master: Int32
    private var bytes: [UInt8] = []
    /// Where the last `read` ended.
    private var position = 0

    /// Starts `program` with standard input, output and error on a terminal of that size.
    public init(
        _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], rows: Int = 24,
        columns: Int = 80
    ) throws {
        var (own, slave) = (Int32(-1), Int32(-1))
        guard openpty(&own, &slave, nil, nil, nil) == 0 else {
            throw HarnessError("cannot make a pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        master = own
        defer { close(slave) }
        for fd in [own, slave] { _ = fcntl(fd, F_SETFD, FD_CLOEXEC) }
        try Self.setSize(master, rows: rows, columns: columns)
        // setsid --ctty: the terminal is the program's own; 2>&0: errors go there too.
        process = try ServerProcess(
            "setsid", ["--ctty", "sh", "-c", "exec \"$0\" \"$@\" 2>&0", program] + arguments,
            environment: ["TERM": "xterm", "COLUMNS": "", "LINES": ""].merging(environment) { $1 },
            standardInput: slave,
            standardOutput: slave)
    }

    deinit {
        process.kill()
        close(master)
    }

    /// Sends keys.
    public func send(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard write(master, bytes, bytes.count) == bytes.count else {
            throw HarnessError("cannot write to the terminal: \(String(cString: strerror(errno)))")
        }
    }

    /// The window gets another size, and the program is told (SIGWINCH).
    public func resize(rows: Int, columns: Int) throws {
        try Self.setSize(master, rows: rows, columns: columns)
    }

    /// Waits until `text` is drawn after what earlier calls have returned. Returns all up to its end.
    @discardableResult
    public func read(until text: String, within seconds: Double = 10) throws -> String {
        let deadline = Deadline(after: seconds)
        let wanted = Array(text.utf8)
        while true {
            if let end = Self.end(of: wanted, in: bytes, from: position) {
                defer { position = end }
                return String(decoding: bytes[position..<end], as: UTF8.self)
            }
            guard !deadline.hasPassed, try take(until: deadline) else {
                throw HarnessError("\(text.debugDescription) did not come; drawn was:\n\(output.debugDescription)")
            }
        }
    }

    /// How the program ended; what it draws until then is taken in.
    @discardableResult
    public func waitForEnd(within seconds: Double = 10) throws -> ProcessEnd {
        let deadline = Deadline(after: seconds)
        while try !deadline.hasPassed && take(until: deadline) {}
        return try process.waitForEnd(within: max(0.1, Double(deadline.pollTimeout) / 1_000))
    }

    /// Takes in what is there. False when nothing can come any more.
    private func take(until deadline: Deadline) throws -> Bool {
        var entry = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, deadline.pollTimeout) > 0 else { return true }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = Foundation.read(master, &chunk, chunk.count)
        // pty(7): EIO when nobody has the other end open any more.
        guard count > 0 else { return count < 0 && errno == EINTR }
        bytes += chunk[..<count]
        output = String(decoding: bytes, as: UTF8.self)
        return true
    }

    private static func end(of wanted: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= wanted.count else { return nil }
        for index in start...(bytes.count - wanted.count)
        where bytes[index..<index + wanted.count].elementsEqual(wanted) {
            return index + wanted.count
        }
        return nil
    }

    private static func setSize(_ terminal: Int32, rows: Int, columns: Int) throws {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        guard ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0 else {
            throw HarnessError("cannot set the size of the terminal")
        }
    }
}
