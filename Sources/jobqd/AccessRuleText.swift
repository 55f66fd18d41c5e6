// Rules of `[Access]` as text: `user=mailer op=claim,complete queue=mail.*`.
//
// A rule is words with one `=` each, and every word must hold; of the values of a word, between commas, one must. Names
// of users and groups become numbers here, once for each reading of the configuration: an unknown name is a mistake
// that is told, not a rule that never matches. Left out: "not". A Deny= before an Allow= says it.

import Broker
import Glibc
import Wire

enum AccessRuleText {
    static func parse(_ text: String, _ verdict: AccessRule.Verdict) throws(ValueProblem) -> AccessRule {
        var rule = AccessRule(verdict)
        var words: [String] = []
        var seen: Set<String> = []
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            guard let equals = word.firstIndex(of: "=") else {
                throw ValueProblem(
                    reason: "must be words like user=mailer op=claim, \"\(String(word).printable)\" is none")
            }
            let name = String(word[..<equals])
            let values = word[word.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false)
            if values.contains("") { throw ValueProblem(reason: "has \(name.printable)= without a value") }
            guard seen.insert(name).inserted else {
                throw ValueProblem(reason: "has \(name.printable)= twice; put the values into one, with commas")
            }
            try set(name, values.map(String.init), in: &rule)
            words.append(String(word))
        }
        rule.text = words.joined(separator: " ")
        return rule
    }

    private static let names = ["user", "group", "unit", "op", "queue"]

    private static func set(_ name: String, _ values: [String], in rule: inout AccessRule) throws(ValueProblem) {
        switch name {
        case "user": rule.users = try all(values, "names an unknown user", Accounts.user)
        case "group": rule.groups = try all(values, "names an unknown group", Accounts.group)
        case "unit": rule.units = try all(values, "has no pattern of units") { Glob(unit: $0) }
        case "queue": rule.queues = try all(values, "has no pattern of queues") { Glob($0) }
        case "op":
            rule.operations = try all(values, "names an unknown operation", among: operations.map(\.name)) { value in
                operations.first { $0.name == value }?.set
            }.reduce([]) { $0.union($1) }
        default:
            let hint = closestName(to: name, among: names).map { " (did you mean \"\($0)=\"?)" } ?? ""
            throw ValueProblem(reason: "has an unknown word \"\(name.printable)=\"\(hint)")
        }
    }

    private static func all<Value>(
        _ values: [String], _ problem: String, among known: [String] = [], _ read: (String) -> Value?
    ) throws(ValueProblem) -> [Value] {
        var result: [Value] = []
        for value in values {
            guard let found = read(value) else {
                let hint = closestName(to: value, among: known).map { " (did you mean \"\($0)\"?)" } ?? ""
                throw ValueProblem(reason: "\(problem): \"\(value.printable)\"\(hint)")
            }
            result.append(found)
        }
        return result
    }

    /// What may stand behind `op=`: operations and groups of them.
    static let operations: [(name: String, set: OperationSet)] =
        OperationGroup.allCases.map { ($0.rawValue, $0.operations) }
        + OperationName.allCases.map { ("\($0.text)", OperationSet($0)) }
}

/// Users and groups of this machine, by name or number.
enum Accounts {
    static func user(_ text: String) -> UInt32? {
        if let number = number(text) { return number }
        var entry = passwd()
        return find { buffer, length in
            var found: UnsafeMutablePointer<passwd>?
            let code = getpwnam_r(text, &entry, buffer, length, &found)
            return (code, found == nil ? nil : entry.pw_uid)
        }
    }

    static func group(_ text: String) -> UInt32? {
        if let number = number(text) { return number }
        var entry = Glibc.group()
        return find { buffer, length in
            var found: UnsafeMutablePointer<Glibc.group>?
            let code = getgrnam_r(text, &entry, buffer, length, &found)
            return (code, found == nil ? nil : entry.gr_gid)
        }
    }

    /// The highest number stands for "none" (chown(2)) and is nobody's.
    private static func number(_ text: String) -> UInt32? {
        Int64(digits: text).flatMap { (0..<Int64(UInt32.max)).contains($0) ? UInt32($0) : nil }
    }

    /// Looks an entry up with as much room as it needs: a group with many members needs much.
    private static func find(
        _ look: (_ buffer: UnsafeMutablePointer<CChar>, _ length: Int) -> (code: Int32, id: UInt32?)
    ) -> UInt32? {
        var room = 4_096
        while room <= 16 << 20 {
            let (code, id) = withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { buffer in
                buffer.baseAddress.map { look($0, buffer.count) } ?? (ENOMEM, nil)
            }
            if code != ERANGE { return id }
            room *= 4
        }
        return nil
    }
}
