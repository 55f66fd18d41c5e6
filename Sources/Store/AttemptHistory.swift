// Reads the `history` field of a record: one JSON object a line, written by `remember` in attempt.lua and by nobody
// else. So this is no JSON parser: it knows the members, their order, and that the client's error stands last.

extension AttemptRecord {
    /// The attempts in a history field, oldest first. A line that is not ours is left out.
    static func read(history: UnsafeRawBufferPointer) -> [AttemptRecord] {
        history.split(separator: UInt8(ascii: "\n")).compactMap { line in
            var reader = HistoryLine(rest: line)
            return reader.read()
        }
    }
}

/// One line of a history, read from its beginning.
private struct HistoryLine {
    var rest: Slice<UnsafeRawBufferPointer>

    mutating func read() -> AttemptRecord? {
        guard skip("{\"attempt\":"), let attempt = number() else { return nil }
        var worker = ""
        if skip(",\"worker\":\"") {
            guard let text = escapedText() else { return nil }
            worker = text
        }
        guard skip(",\"started_at\":"), let startedAt = number(), skip(",\"ended_at\":"), let endedAt = number(),
            skip(",\"outcome\":\""), let outcome = escapedText()
        else { return nil }
        let error = skip(",\"error\":") ? Array(rest.dropLast()) : nil
        return AttemptRecord(
            attempt: Int(attempt), worker: worker, startedAt: startedAt, endedAt: endedAt, outcome: outcome,
            error: error)
    }

    private mutating func skip(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in
            guard rest.starts(with: text) else { return false }
            rest = rest.dropFirst(text.count)
            return true
        }
    }

    private mutating func number() -> Int64? {
        let digits = rest.prefix { (48...57).contains($0) }
        rest = rest.dropFirst(digits.count)
        return Int64(String(decoding: digits, as: UTF8.self))
    }

    /// Up to the quotation mark, which is passed. Only `"` and `\` are escaped, by a backslash.
    private mutating func escapedText() -> String? {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): if let escaped = rest.popFirst() { bytes.append(escaped) }
            default: bytes.append(byte)
            }
        }
        return nil
    }
}
