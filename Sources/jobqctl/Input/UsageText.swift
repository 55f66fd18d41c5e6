// What ArgumentParser has to say of a wrong command line, in the voice of all other messages: one line, in lower case, behind
// the program's name; and what is valid where a value is not.

import Wire

enum UsageText {
    /// What a value may be, by the name that --help has for it.
    private static let valid: [String: String] = [
        "duration": "a number with ms, s, m (or min), h, d or w, as in 500ms, 30s or 1h30m; a bare number is seconds",
        "time": "2026-11-21T14:03:07Z, local '2026-11-21 14:03' or 2026-11-21, or milliseconds since 1970",
        "backoff": "KIND[:FIRST[:LONGEST[:JITTER]]] with exponential, linear or fixed, as in exponential:1s:1h:0.5",
        "state": JobStateNames.all,
        "n": "a whole number", "priority": "a whole number from -100 to 100", "limit": "a whole number",
        "rate": "jobs a second, a number from 0.001 to 1000000, as in 50 or 0.5",
    ]

    /// - Parameter message: as `ParsableCommand.message(for:)` has it.
    static func line(_ message: String) -> String {
        var text = message.split(separator: "\n").joined(separator: " ")
        text = text.replacing(". Did you mean", with: "; did you mean")
        if text.hasSuffix(".") { text.removeLast() }
        // Names and all capitals stay as they are.
        if let first = text.first, text.dropFirst().first?.isUppercase == false {
            text = first.lowercased() + text.dropFirst()
        }
        guard text.hasPrefix("the value '"), let name = name(in: text) else { return text }
        if name == "key=value" { return "\(text); \(keyHint(text))" }
        return valid[name].map { "\(text); valid: \($0)" } ?? text
    }

    /// `duration` of `… is invalid for '--delay <duration>'`.
    private static func name(in text: String) -> String? {
        guard let start = text.lastIndex(of: "<"), let end = text[start...].firstIndex(of: ">") else { return nil }
        return String(text[text.index(after: start)..<end])
    }

    /// Whether the key or its value is wrong.
    private static func keyHint(_ text: String) -> String {
        let given = text.dropFirst("the value '".count).prefix { $0 != "'" }
        let parts = given.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let key = parts[0].replacing("-", with: "_")
        let name = key.hasSuffix("_ms") ? String(key.dropLast(3)) : key
        guard PolicyChange.keys.contains(name) else {
            let nearest = closestName(to: key, among: PolicyChange.keys).map { "; did you mean \($0)?" } ?? ""
            return "unknown key\(nearest) valid keys: \(PolicyChange.keys.joined(separator: ", "))"
        }
        guard parts.count == 2, !parts[1].isEmpty else { return "valid: \(name)=VALUE, or \(name)=default" }
        return "valid for \(name): \(PolicyChange.valid(name))"
    }
}

/// The states of a job, for messages.
enum JobStateNames {
    static let all = "queued, scheduled, retrying, processing, completed, dead, cancelled or expired"
}
