// What the configuration must know of a Redis URL: that the Redis module can use it, and where its password stands, so
// that it is never printed.

import Redis

enum RedisURLText {
    /// - Returns: the text itself, when it is an address that we can connect to.
    static func check(_ text: String) throws(ValueProblem) -> String {
        do {
            _ = try RedisAddress.parse(text)
            return text
        } catch {
            throw ValueProblem(reason: "cannot be used: \(error)")
        }
    }

    static func hasPassword(_ text: String) -> Bool { passwordRange(text) != nil }

    /// The same with `***` for the password.
    static func redacted(_ text: String) -> String {
        guard let range = passwordRange(text) else { return text }
        return text[..<range.lowerBound] + "***" + text[range.upperBound...]
    }

    /// From the first colon after the scheme to the last `@`. In a text that is no URL an unescaped `/`, `:` or `@` belongs
    /// to the password too: showing too little is the safe side.
    private static func passwordRange(_ text: String) -> Range<String.Index>? {
        var start = text.startIndex
        if let mark = text.firstRange(of: "://"), text[..<mark.lowerBound].allSatisfy(\.isLetter) {
            start = mark.upperBound
        }
        // The path of a socket may have both characters.
        if text[start...].hasPrefix("/"), text[..<start].lowercased() == "unix://" { return nil }
        guard let end = text[start...].lastIndex(of: "@"), let colon = text[start..<end].firstIndex(of: ":") else {
            return nil
        }
        let range = text.index(after: colon)..<end
        return range.isEmpty ? nil : range
    }
}
