// Types of settings: text to value, and value back to the text that a file would have.
//
// A bare number of a duration means what its name says: milliseconds for `--request-timeout-ms` and its environment
// variable, seconds in a file (`RequestTimeoutSec=`). Nothing is rounded or clamped: what does not fit is refused.

import Broker
import Reactor
import Wire

/// A checked value. Which case it is follows from the setting's type; asking for the other one is a bug.
enum SettingValue: Sendable, Equatable {
    case text(String)
    /// A count, bytes, milliseconds, or permission bits.
    case number(Int64)
    case rule(AccessRule)

    /// `sun_path` of unix(7) less its final zero byte.
    static let longestSocketPath = 107

    var text: String {
        guard case .text(let text) = self else { preconditionFailure("the table says this setting is a number") }
        return text
    }

    var rule: AccessRule {
        guard case .rule(let rule) = self else { preconditionFailure("the table says this setting is no rule") }
        return rule
    }

    var number: Int64 {
        guard case .number(let number) = self else { preconditionFailure("the table says this setting is a text") }
        return number
    }
}

/// Why a text is not a value: the end of a sentence that begins with the setting's name, e.g. `must be 1 to 5`.
struct ValueProblem: Error, Equatable {
    let reason: String
}

/// What values a setting takes.
enum ValueType: Sendable {
    case path(maxBytes: Int)
    /// Letters, digits, `_`, `.`, `-`.
    case name(maxBytes: Int)
    case count(ClosedRange<Int64>)
    /// Bytes, with K, M or G for powers of 1024.
    case size(ClosedRange<Int64>)
    /// Milliseconds; with units `ms`, `s`, `min`, `h`, also several in a row (`1min 30s`).
    case duration(ClosedRange<Int64>)
    /// Octal permission bits.
    case mode
    case choice([String])
    case redisURL
    /// A TCP address of the loopback interface, or the path of a Unix socket.
    case localAddress
    /// A rule of this verdict. Such settings are lists: each line adds one, in the order of the files and their lines.
    case rule(AccessRule.Verdict)

    /// Each line of a file adds a value; there is no option and no environment variable.
    var isList: Bool {
        if case .rule = self { true } else { false }
    }

    /// - Parameter bareUnitMs: what a duration without unit counts, in milliseconds.
    func parse(_ text: String, bareUnitMs: Int64) throws(ValueProblem) -> SettingValue {
        switch self {
        case .path(let maxBytes): return .text(try Self.path(text, maxBytes))
        case .name(let maxBytes): return .text(try Self.name(text, maxBytes))
        case .count(let range): return .number(try Self.within(range, Int64(digits: text), "a number"))
        case .size(let range):
            let bytes = Self.size(text)
            guard let bytes, range.contains(bytes) else {
                let bounds = "\(Self.sizeText(range.lowerBound)) to \(Self.sizeText(range.upperBound))"
                throw ValueProblem(reason: "must be a size of \(bounds) bytes, like 65536, 64K or 1M")
            }
            return .number(bytes)
        case .duration(let range):
            let milliseconds = DurationText.parse(text, bareUnitMs: bareUnitMs)
            guard let milliseconds, range.contains(milliseconds) else {
                let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
                throw ValueProblem(reason: "must be a time of \(bounds), like 500ms, 5s or 1min 30s")
            }
            return .number(milliseconds)
        case .mode:
            guard (1...4).contains(text.utf8.count), let bits = Int64(text, radix: 8), (0...0o777).contains(bits),
                text.utf8.allSatisfy(\.isDigit)
            else { throw ValueProblem(reason: "must be octal permissions like 0660") }
            return .number(bits)
        case .choice(let words):
            guard words.contains(text) else {
                let hint = closestName(to: text, among: words).map { " (did you mean \"\($0)\"?)" } ?? ""
                throw ValueProblem(reason: "must be one of \(words.joined(separator: ", "))\(hint)")
            }
            return .text(text)
        case .redisURL: return .text(try RedisURLText.check(text))
        case .localAddress: return .text(try Self.localAddress(text))
        case .rule(let verdict): return .rule(try AccessRuleText.parse(text, verdict))
        }
    }

    /// As a file would have it; a password is masked.
    func format(_ value: SettingValue) -> String {
        switch self {
        case .path, .name, .choice, .localAddress: value.text
        case .redisURL: RedisURLText.redacted(value.text)
        case .count: String(value.number)
        case .size: Self.sizeText(value.number)
        case .duration: DurationText.format(value.number)
        case .mode: "0" + String(value.number, radix: 8)
        case .rule: value.rule.text
        }
    }

    private static func path(_ text: String, _ maxBytes: Int) throws(ValueProblem) -> String {
        guard text.utf8.count <= maxBytes else { throw ValueProblem(reason: "must be at most \(maxBytes) bytes long") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueProblem(reason: "must be a path without control characters")
        }
        return text
    }

    private static func localAddress(_ text: String) throws(ValueProblem) -> String {
        if text.utf8.contains(0x2F) { return try path(text, SettingValue.longestSocketPath) }
        guard LoopbackAddress(text) != nil else {
            throw ValueProblem(
                reason:
                    "must be an address of this machine like 127.0.0.1:9187 or [::1]:9187, or the path of a Unix socket"
                    + " (other addresses are for systemd to pass)")
        }
        return text
    }

    private static func name(_ text: String, _ maxBytes: Int) throws(ValueProblem) -> String {
        let isName = text.utf8.allSatisfy { $0.isDigit || $0.isLetter || [0x5F, 0x2E, 0x2D].contains($0) }
        guard isName, text.utf8.count <= maxBytes else {
            throw ValueProblem(reason: "must be at most \(maxBytes) letters, digits, \"_\", \".\" and \"-\"")
        }
        return text
    }

    private static func within(
        _ range: ClosedRange<Int64>, _ number: Int64?, _ what: String
    ) throws(ValueProblem) -> Int64 {
        guard let number, range.contains(number) else {
            throw ValueProblem(reason: "must be \(what) from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static let sizeUnits: [(suffix: Character, bytes: Int64)] = [
        ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10),
    ]

    private static func size(_ text: String) -> Int64? {
        for unit in sizeUnits where text.last == unit.suffix {
            guard let number = Int64(digits: text.dropLast()) else { return nil }
            let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
            return overflow ? nil : bytes
        }
        return Int64(digits: text)
    }

    private static func sizeText(_ bytes: Int64) -> String {
        for unit in sizeUnits where bytes > 0 && bytes % unit.bytes == 0 {
            return "\(bytes / unit.bytes)\(unit.suffix)"
        }
        return String(bytes)
    }
}

extension UInt8 {
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isLetter: Bool { (0x41...0x5A).contains(self & 0xDF) }
}

extension Int64 {
    /// Decimal digits only: no sign, no spaces, no separators.
    init?(digits text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit) else { return nil }
        self.init(text, radix: 10)
    }
}
