// Where text goes: colours only on a terminal and not with NO_COLOR; control characters never, since types, workers
// and errors are other people's text. Nor characters that turn the direction of writing, or that nobody sees: with them a name can
// look like another one.

import Glibc
import Wire

/// How a text is marked on a terminal.
enum Mark: String {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case dim = "2"

    /// For the state of a job.
    init?(_ state: JobState) {
        switch state {
        case .dead: self = .red
        case .retrying: self = .yellow
        case .completed: self = .green
        case .cancelled, .expired: self = .dim
        default: return nil
        }
    }
}

struct Terminal {
    let hasColours: Bool
    /// How wide it is; nil: it is none, and nothing need fit.
    var columns: Int?

    /// https://no-color.org: any value of NO_COLOR that is not empty turns colours off.
    static var standardOutput: Terminal {
        let isOff = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        let columns = columns(of: STDOUT_FILENO)
        return Terminal(hasColours: columns != nil && !isOff && !isDumb, columns: columns)
    }

    /// A line on standard error, after the program's name.
    static func complain(_ message: String) {
        write("jobqctl: \(visible(message))\n")
    }

    /// Writes to standard error where it must not be waited for; nil: it is written to as it is. Set before any thread runs.
    nonisolated(unsafe) static var errorWriter: BackgroundWriter?

    /// Text as it is, to standard error. What was printed before comes before it.
    static func write(_ text: String) {
        flush()
        let bytes = Array(text.utf8)
        if let errorWriter { return errorWriter.write(bytes) }
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    /// Hands on what was printed, for whoever reads along.
    static func flush() { fflush(nil) }

    /// The same at the end, when it must be known that it got there: a full disk is no success.
    static func finish() throws {
        if fflush(nil) != 0 {
            throw OutputProblem(description: "standard output: \(String(cString: strerror(errno)))")
        }
    }

    func marked(_ text: String, _ mark: Mark?) -> String {
        guard hasColours, let mark, !text.isEmpty else { return text }
        return "\u{1B}[\(mark.rawValue)m\(text)\u{1B}[0m"
    }

    /// What is not shown as it is, as `\u{…}`.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        return text.unicodeScalars.map { isHidden($0) ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }

    /// The same in JSON, where it may be in strings only: as `\u…`, which is the same JSON. White space between tokens is a space.
    static func json(_ document: JSONDocument) -> String { json(document.description) }

    static func json(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isHidden) else { return text }
        return text.unicodeScalars.map { scalar in
            guard isHidden(scalar) else { return String(scalar) }
            if scalar.value < 0x20 { return " " }
            let digits = String(scalar.value, radix: 16)
            return "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)"
        }.joined()
    }

    /// Controls (C0, DEL, C1), marks that turn the direction of writing, ends of lines and paragraphs, and what has no width but those
    /// that make letters and emoji join. None is beyond U+FFFF.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7F...0x9F: true
        case 0x061C, 0x180E, 0x200B, 0x200E...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        default: false
        }
    }
}
