// The little that the configuration must know of a Redis URL: that it looks like one, and where its password stands,
// so that it is never printed. Taking it apart for a connection is the Redis module's work.

enum RedisURLText {
    /// - Returns: the text itself, when it begins like a URL that we can connect to.
    static func check(_ text: String) throws(ValueProblem) -> String {
        let isPath = text.hasPrefix("unix:///") && text.utf8.count > "unix:///".utf8.count
        let isHost = text.hasPrefix("redis://") && text.utf8.count > "redis://".utf8.count
        guard isPath || isHost else {
            throw ValueProblem(reason: "must be unix:///path or redis://[user[:password]@]host[:port][/db]")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            throw ValueProblem(reason: "must not contain spaces or control characters")
        }
        return text
    }

    static func hasPassword(_ text: String) -> Bool { passwordRange(text) != nil }

    /// The same with `***` for the password.
    static func redacted(_ text: String) -> String {
        guard let range = passwordRange(text) else { return text }
        return text[..<range.lowerBound] + "***" + text[range.upperBound...]
    }

    /// From the first colon after the scheme to the last `@`: an unescaped `/`, `:` or `@` belongs to the password
    /// here, since showing too little is the safe side.
    private static func passwordRange(_ text: String) -> Range<String.Index>? {
        let scheme = ["redis://", "unix://"].first { text.hasPrefix($0) } ?? ""
        let start = text.index(text.startIndex, offsetBy: scheme.count)
        guard let end = text[start...].lastIndex(of: "@"), let colon = text[start..<end].firstIndex(of: ":") else {
            return nil
        }
        let range = text.index(after: colon)..<end
        return range.isEmpty ? nil : range
    }
}
