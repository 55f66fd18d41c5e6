// Times as people write them, after systemd.time(7): `500ms`, `5s`, `1min 30s`, `1.5h`.
//
// The units are ms, s, min, h. Left out: days and longer, microseconds, `infinity`; no setting needs them.

enum DurationText {
    private static let units: [(name: String, ms: Int64)] = [
        ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Milliseconds, or nil when it is no time or not whole milliseconds.
    static func parse(_ text: String, bareUnitMs: Int64) -> Int64? {
        var rest = Substring(text)
        var total: Int64 = 0
        repeat {
            guard let term = nextTerm(&rest, bareUnitMs: bareUnitMs) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(term)
            guard !overflow else { return nil }
            total = sum
            rest = rest.drop { $0 == " " }
        } while !rest.isEmpty
        return total
    }

    /// The shortest form in one unit, e.g. `90s`.
    static func format(_ milliseconds: Int64) -> String {
        for unit in units where milliseconds > 0 && milliseconds % unit.ms == 0 {
            return "\(milliseconds / unit.ms)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }

    /// Takes `number[.fraction][unit]` off the front.
    private static func nextTerm(_ rest: inout Substring, bareUnitMs: Int64) -> Int64? {
        let whole = rest.prefix { $0.isDecimalDigit }
        rest = rest.dropFirst(whole.count)
        var fraction: Substring = ""
        if rest.first == "." {
            fraction = rest.dropFirst().prefix { $0.isDecimalDigit }
            rest = rest.dropFirst(fraction.count + 1)
            guard (1...6).contains(fraction.count) else { return nil }
        }
        let name = rest.prefix { $0.isASCII && $0.isLetter }
        rest = rest.dropFirst(name.count)
        let unitMs = name.isEmpty ? bareUnitMs : units.first { $0.name == name }?.ms
        guard let unitMs, let number = Int64(digits: whole) else { return nil }

        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unitMs)
        guard !overflow else { return nil }
        guard let parts = Int64(digits: fraction) else { return milliseconds }
        let scale = fraction.reduce(Int64(1)) { product, _ in product * 10 }
        guard parts * unitMs % scale == 0 else { return nil }
        return milliseconds.addingReportingOverflow(parts * unitMs / scale).partialValue
    }
}

extension Character {
    fileprivate var isDecimalDigit: Bool { ("0"..."9").contains(self) }
}
