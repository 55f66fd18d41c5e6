// One KEY=VALUE of `queue configure`, in the terms of the protocol.

import ArgumentParser
import Wire

/// A member of `configure` and its value.
struct PolicyChange: ExpressibleByArgument, Equatable {
    /// The protocol's name.
    let member: String
    /// The value as JSON; null takes the rule back.
    let json: [UInt8]

    /// The names as people write them.
    static let keys = [
        "max_attempts", "lease", "backoff", "keep", "keep_count", "dead_keep", "dead_keep_count", "max_len", "order",
        "aging",
    ]

    /// Those that are durations; the protocol has `_ms` behind them.
    private static let spans = ["lease", "keep", "dead_keep", "aging"]

    /// What the value of a key may be, for messages; `default` is always one.
    static func valid(_ key: String) -> String {
        switch key {
        case "backoff": "KIND[:FIRST[:LONGEST[:JITTER]]], as in exponential:1s:1h:0.5, or default"
        case "order": "a word as in fifo, or default"
        case _ where spans.contains(key): "a duration as in 500ms, 30s or 7d, or default"
        default: "a whole number, or default"
        }
    }

    /// nil: not KEY=VALUE, or no such key, or a duration that is none.
    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { return nil }
        let key = String(parts[0]).replacing("-", with: "_")
        let value = String(parts[1])
        let isSpan = Self.spans.contains(key)
        let isMs = key.hasSuffix("_ms") && Self.spans.contains(String(key.dropLast(3)))
        guard isMs || Self.keys.contains(key) else { return nil }
        member = isSpan ? "\(key)_ms" : key
        let text: String?
        if ["default", "null"].contains(value) {
            text = "null"
        } else if isSpan || isMs {
            text = TimeSpan(value, bareUnit: isMs ? "ms" : "s").map { String($0.milliseconds) }
        } else if key == "backoff" {
            text = BackoffText(value)?.json
        } else if key == "order" {
            text = "\"\(value)\""
        } else {
            text = value
        }
        guard let text, let document = try? JSONDocument(text) else { return nil }
        json = document.raw
    }
}

/// `KIND[:FIRST[:LONGEST[:JITTER]]]`, or the JSON object of the protocol.
struct BackoffText: ExpressibleByArgument, Equatable {
    let json: String

    init?(argument: String) { self.init(argument) }

    init?(_ text: String) {
        if text.hasPrefix("{") {
            guard let document = try? JSONDocument(text) else { return nil }
            json = document.description
            return
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...4).contains(parts.count), !parts[0].isEmpty, parts[0].utf8.allSatisfy({ 97...122 ~= $0 }) else {
            return nil
        }
        var members = ["\"kind\":\"\(parts[0])\""]
        for (name, part) in zip(["base_ms", "max_ms"], parts.dropFirst()) {
            guard let span = TimeSpan(part) else { return nil }
            members.append("\"\(name)\":\(span.milliseconds)")
        }
        if parts.count == 4 {
            guard let jitter = Double(parts[3]), (0...1).contains(jitter) else { return nil }
            members.append("\"jitter\":\(jitter)")
        }
        json = "{\(members.joined(separator: ","))}"
    }
}
