// Where text goes: colours only on a terminal and not with NO_COLOR; control characters never, since types, workers
// and errors are other people's text.

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

    /// https://no-color.org: any value of NO_COLOR that is not empty turns colours off.
    static var standardOutput: Terminal {
        let isOff = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        return Terminal(hasColours: isatty(STDOUT_FILENO) == 1 && !isOff && !isDumb)
    }

    /// A line on standard error, after the program's name.
    static func complain(_ message: String) {
        write("jobqctl: \(visible(message))\n")
    }

    /// Text as it is, to standard error. What was printed before comes before it.
    static func write(_ text: String) {
        flush()
        let bytes = Array(text.utf8)
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

    /// Control characters (C0, DEL, C1) as `\u{…}`.
    static func visible(_ text: String) -> String {
        let isControl = { (scalar: Unicode.Scalar) in scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return text.unicodeScalars.map { isControl($0) ? "\\u{\(String($0.value, radix: 16))}" : String($0) }.joined()
    }
}
