// Files in the manner of systemd's: `[Section]`, `Key=value`, comments from `#` or `;` at the beginning of a line.
//
// This only takes a file apart; what the keys mean is the table's business. An empty value means "back to the
// default", as with systemd. Left out: continuation lines and quotes. A key that one file sets twice is an error, unless
// it is one of a list: it is more likely a mistake than a wish.

import Glibc

/// One `Key=value` line.
struct ConfigurationEntry: Equatable {
    let section: String
    let key: String
    /// Without the white space around it.
    let value: String
    /// From 1.
    let line: Int
}

/// A line that is no section, no key and no comment, or a key outside of a section.
struct ConfigurationSyntaxError: Equatable {
    let line: Int
    let message: String
}

/// A file taken apart.
struct ConfigurationFile {
    private(set) var entries: [ConfigurationEntry] = []
    private(set) var errors: [ConfigurationSyntaxError] = []

    /// - Parameter mayRepeat: whether a section's key may stand more than once.
    init(bytes: [UInt8], mayRepeat: (_ section: String, _ key: String) -> Bool = { _, _ in false }) {
        var section: String?
        var seen: [String: Int] = [:]
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, lineBytes) in lines.enumerated() {
            let number = index + 1
            guard let text = String(validating: lineBytes, as: UTF8.self), !lineBytes.contains(0) else {
                errors.append(.init(line: number, message: "not UTF-8 text"))
                continue
            }
            let line = text.trimmed
            if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasPrefix("["), line.hasSuffix("]") {
                section = String(line.dropFirst().dropLast())
                continue
            }
            guard let equals = line.firstIndex(of: "=") else {
                errors.append(.init(line: number, message: "expected \"Key=value\" or \"[Section]\""))
                continue
            }
            let key = String(line[..<equals]).trimmed
            guard let section else {
                errors.append(.init(line: number, message: "\"\(key.printable)\" stands before the first [Section]"))
                continue
            }
            if let first = seen.updateValue(number, forKey: "[\(section)]\(key)"), !mayRepeat(section, key) {
                let message = "\"\(key.printable)\" is set twice, first in line \(first)"
                errors.append(.init(line: number, message: message))
                continue
            }
            let value = String(line[line.index(after: equals)...]).trimmed
            entries.append(.init(section: section, key: key, value: value, line: number))
        }
    }
}

extension String {
    /// Without spaces, tabs and carriage returns at both ends.
    var trimmed: String {
        let isSpace = { (c: Character) in c == " " || c == "\t" || c == "\r" }
        let front = drop(while: isSpace)
        guard let last = front.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(front[...last])
    }

    /// Fit for a message: control characters as `?`, at most 64 characters.
    var printable: String {
        let text = String(
            prefix(64).map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "?" : $0 })
        return count > 64 ? text + "…" : text
    }
}

/// Reads small files and lists drop-in directories.
enum ConfigurationFiles {
    /// Larger than any sensible configuration.
    static let largestFile = 1 << 20

    /// What stood in the way of reading.
    struct Failure: Error, Equatable {
        /// `errno`, or 0 when the file's content is at fault.
        let code: Int32
        let reason: String
        var isMissing: Bool { code == ENOENT || code == ENOTDIR }
    }

    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { throw failure(errno) }
        defer { close(fd) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(fd, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= largestFile else { throw Failure(code: 0, reason: "larger than 1 MiB") }
        }
    }

    /// The paths of `DIRECTORY/*.conf`, sorted by bytes; none when the directory is missing.
    static func dropIns(_ directory: String) throws(Failure) -> [String] {
        guard let stream = opendir(directory) else {
            let problem = failure(errno)
            if problem.isMissing { return [] }
            throw problem
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // d_name is an array inside the entry that ends with a zero byte; its address holds until the next readdir.
            let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let name = String(cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(to: CChar.self))
            if name.hasSuffix(".conf"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "\(directory)/\($0)" }
    }

    private static func failure(_ code: Int32) -> Failure {
        Failure(code: code, reason: String(cString: strerror(code)))
    }
}
