// A duration as people write it on a command line: `500ms`, `5s`, `2min`, `1h`, `7d`, `1h30min`; a bare number is seconds.

import ArgumentParser

/// A duration in milliseconds, never negative.
struct TimeSpan: Equatable, ExpressibleByArgument {
    let milliseconds: Int64

    private static let units: [String: Int64] = [
        "ms": 1, "s": 1_000, "sec": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
        "w": 604_800_000,
    ]

    init(milliseconds: Int64) { self.milliseconds = milliseconds }

    init?(argument: String) { self.init(argument) }

    /// One or more of a number and a unit, the number with a fraction if need be; a number alone is seconds.
    init?(_ text: String, bareUnit: String = "s") {
        var rest = text.filter { $0 != " " }[...]
        guard !rest.isEmpty else { return nil }
        var sum: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { "0123456789.".contains($0) }
            rest = rest.dropFirst(digits.count)
            let letters = rest.prefix { !"0123456789.".contains($0) }
            rest = rest.dropFirst(letters.count)
            let isAlone = digits.count == text.count
            guard let unit = Self.units[isAlone ? bareUnit : String(letters)],
                let part = Self.multiply(digits, unit)
            else { return nil }
            let (total, overflow) = sum.addingReportingOverflow(part)
            if overflow { return nil }
            sum = total
        }
        milliseconds = sum
    }

    private static func multiply(_ digits: Substring, _ unit: Int64) -> Int64? {
        if let whole = Int64(digits) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
            return overflow ? nil : product
        }
        guard let number = Double(digits), number >= 0, number * Double(unit) < 1e18 else { return nil }
        return Int64((number * Double(unit)).rounded())
    }

    /// As it may be written: in the largest unit that leaves no rest.
    var description: String {
        for (unit, length) in [("d", Int64(86_400_000)), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)]
        where milliseconds > 0 && milliseconds % length == 0 {
            return "\(milliseconds / length)\(unit)"
        }
        return "\(milliseconds)ms"
    }

    var defaultValueDescription: String { description }
}
