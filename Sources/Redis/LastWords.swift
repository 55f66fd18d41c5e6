// What a redis-server wrote to its log before it ended: the reason stands there and nowhere else.

import Glibc
import Reactor

/// The end of a server's log, from where it stood when the server was started.
struct LastWords {
    private let path: String
    private let start: off_t

    /// Bytes that are looked at; lines that are told, and bytes of each.
    private static let window: off_t = 8_192
    private static let lines = 3
    private static let bytes = 160
    /// What each start says, whatever comes of it.
    private static let greetings = [
        "oO0OoO0OoO0Oo", "Redis version=", "Configuration loaded", "WARNING Memory overcommit",
    ]
    /// With less room than this the log cannot be trusted to have the reason.
    private static let room: UInt = 64 << 10

    /// - Parameter log: the open log, as it is before the server writes to it.
    init(path: String, log: Int32) {
        self.path = path
        var info = stat()
        start = fstat(log, &info) == 0 ? info.st_size : 0
    }

    /// The last lines without times and pids, joined; nil: it said nothing.
    var text: String? {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        let end = lseek(fd, 0, SEEK_END)
        let from = max(start, end - Self.window)
        guard end > from else { return nil }
        var buffer = [UInt8](repeating: 0, count: Int(end - from))
        let length = buffer.withUnsafeMutableBytes { pread(fd, $0.baseAddress, $0.count, from) }
        return Self.text(buffer.prefix(max(0, length)))
    }

    static func text(_ log: some Sequence<UInt8>) -> String? {
        let lines = String(decoding: Array(log), as: UTF8.self).split(whereSeparator: \.isNewline)
            .map(words).filter { line in !line.isEmpty && !greetings.contains(where: line.hasPrefix) }
        guard !lines.isEmpty else { return nil }
        let told = lines.suffix(Self.lines).map { String(decoding: $0.utf8.prefix(Self.bytes), as: UTF8.self) }
        return LogText.escaped(told.joined(separator: "; "))
    }

    /// That the disk below a directory is full, in words; nil: it is not. On a full disk the log lacks its end, too.
    static func fullDisk(_ directory: String) -> String? {
        var info = statvfs()
        guard statvfs(directory, &info) == 0 else { return nil }
        let free = UInt(info.f_bavail) * UInt(info.f_frsize)
        return free < room ? "\(SystemError(ENOSPC, directory)), \(free) bytes are free" : nil
    }

    /// `1234:M 30 Nov 2026 23:00:00.000 # words` less what stands before the words.
    private static func words(_ line: Substring) -> String {
        for mark in [" # ", " * "] {
            if let range = line.firstRange(of: mark), line[..<range.lowerBound].contains(":") {
                return String(line[range.upperBound...])
            }
        }
        return line.allSatisfy(\.isWhitespace) ? "" : String(line)
    }
}
