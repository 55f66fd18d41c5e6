// What the end of a command means for its job. Pure.
//
// sysexits.h has the words: EX_DATAERR (65) says that the job itself is wrong and will be wrong the next time too, so it is not
// tried again. Everything else that is not 0, a signal too, may be the fault of the moment.

import Wire

/// How a process ended, and what is said about the job then.
struct CommandVerdict {
    enum End: Equatable {
        case exited(Int32)
        case signalled(Int32)

        /// From waitpid(2).
        init(status: Int32) {
            let signal = status & 0x7F
            self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
        }

        var text: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .signalled(let signal): "ended by signal \(signal)"
            }
        }
    }

    /// What the daemon is told.
    enum Report: Equatable {
        case complete(result: [UInt8]?)
        case fail(error: String, retry: Bool)
    }

    /// Exit statuses after which the job is not tried again.
    var deadStatuses: Set<Int32> = [65]
    /// The command's output is the result.
    var wantsResult = false

    /// What a report has room for, in bytes of JSON: what a line of the protocol holds beside the rest of the request.
    struct Room {
        var result = Int.max
        /// The protocol's own bound for an error is 16 KiB.
        var error = CommandVerdict.longestError
    }

    static let longestError = 16_000
    /// The most of a command's output that becomes a result.
    static let longestResult = 256 << 10

    /// - Parameters:
    ///   - output: what the command wrote, if it is the result.
    ///   - errors: the last of what it wrote to its standard error.
    ///   - reason: why it was told to end, if it was.
    func report(
        _ end: End, output: [UInt8], errors: [UInt8], reason: String? = nil, room: Room = Room()
    ) -> Report {
        guard end == .exited(0) else {
            let retry = if case .exited(let status) = end { !deadStatuses.contains(status) } else { true }
            let text = reason.map { "cancelled (\($0)): \(end.text)" } ?? end.text
            return .fail(error: Self.error(text, errors, limit: room.error), retry: retry)
        }
        guard wantsResult else { return .complete(result: nil) }
        guard output.count <= Self.longestResult else {
            return .fail(error: "the output is longer than \(Self.longestResult) bytes", retry: false)
        }
        let result = Self.result(output)
        guard result?.count ?? 0 <= room.result else {
            return .fail(error: "the output is longer than \(room.result) bytes, written as JSON", retry: false)
        }
        return .complete(result: result)
    }

    /// JSON as it is; other text as a string, without its last end of line; nothing at all as no result.
    static func result(_ output: [UInt8]) -> [UInt8]? {
        if let document = try? JSONDocument(output) {
            // Line breaks between JSON's tokens would end the protocol's line.
            return document.raw.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
        }
        var text = output[...]
        if text.last == 0x0A { text.removeLast() }
        guard !text.isEmpty else { return nil }
        var writer = JSONWriter()
        writer.string(String(decoding: text, as: UTF8.self))
        return writer.bytes
    }

    /// The end in words, and as much of the last words of the command as fits; of the end itself too, if need be.
    static func error(_ end: String, _ errors: [UInt8], limit: Int = longestError) -> String {
        var head = end[...]
        var tail = errors[...]
        while true {
            let said = trimmed(String(decoding: tail, as: UTF8.self))
            let text = said.isEmpty ? String(head) : "\(head): \(said)"
            var writer = JSONWriter()
            writer.string(text)
            if writer.bytes.count <= limit || (tail.isEmpty && head.isEmpty) { return text }
            if tail.isEmpty {
                head = head.dropLast(1 + head.count / 8)
            } else {
                tail = tail.dropFirst(1 + tail.count / 8)
            }
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        var text = text[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        while text.first?.isWhitespace == true { text.removeFirst() }
        return text
    }
}
