// A time as people write it on a command line: milliseconds since 1970, RFC 3339 (`2026-11-21T14:03:07Z`), or local
// `YYYY-MM-DD HH:MM[:SS]`, or a date alone, which is its midnight.

import ArgumentParser
import Glibc

/// A time in milliseconds since the epoch.
struct PointInTime: Equatable, ExpressibleByArgument {
    let milliseconds: Int64

    init?(argument: String) { self.init(argument) }

    init?(_ text: String) {
        if !text.isEmpty, text.utf8.allSatisfy({ $0 &- 48 < 10 }) {
            guard let number = Int64(text) else { return nil }
            milliseconds = number
            return
        }
        guard var scan = DateScan(text) else { return nil }
        guard let found = scan.milliseconds() else { return nil }
        milliseconds = found
    }

    var defaultValueDescription: String { String(milliseconds) }
}

/// The parts of a written time, taken from the front.
private struct DateScan {
    private var rest: Substring
    private var parts = tm()

    init?(_ text: String) {
        rest = text[...]
        guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month - 1)
        parts.tm_mday = Int32(day)
    }

    /// The rest: time of day, fraction, zone. nil when it is wrong or there is no such day.
    mutating func milliseconds() -> Int64? {
        var fraction: Int64 = 0
        if !rest.isEmpty {
            guard take("T") || take("t") || take(" "), let clock = timeOfDay() else { return nil }
            fraction = clock
        }
        let day = parts.tm_mday
        let seconds: time_t
        if let offset = zone() {
            seconds = timegm(&parts) - offset
        } else {
            guard rest.isEmpty else { return nil }
            parts.tm_isdst = -1
            seconds = mktime(&parts)
        }
        // The 31st of June would have become another day.
        guard rest.isEmpty, parts.tm_mday == day, seconds >= 0 else { return nil }
        return Int64(seconds) * 1000 + fraction
    }

    /// Returns the milliseconds of the fraction.
    private mutating func timeOfDay() -> Int64? {
        guard let hour = number(2), take(":"), let minute = number(2), hour < 24, minute < 60 else { return nil }
        parts.tm_hour = Int32(hour)
        parts.tm_min = Int32(minute)
        guard take(":") else { return 0 }
        guard let second = number(2), second < 60 else { return nil }
        parts.tm_sec = Int32(second)
        guard take(".") else { return 0 }
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return Int64((digits + "000").prefix(3))
    }

    /// Seconds east of Greenwich; nil when none is written.
    private mutating func zone() -> Int? {
        if take("Z") || take("z") { return 0 }
        let before = rest
        for (mark, sign) in [("+", 1), ("-", -1)] where take(mark) {
            if let hours = number(2), hours < 24, take(":"), let minutes = number(2), minutes < 60 {
                return sign * (hours * 3600 + minutes * 60)
            }
        }
        rest = before
        return nil
    }

    private mutating func number(_ count: Int) -> Int? {
        let digits = rest.prefix(count)
        guard digits.utf8.count == count, digits.utf8.allSatisfy({ $0 &- 48 < 10 }) else { return nil }
        rest = rest.dropFirst(count)
        return Int(digits)
    }

    private mutating func take(_ mark: String) -> Bool {
        guard rest.hasPrefix(mark) else { return false }
        rest = rest.dropFirst(mark.count)
        return true
    }
}
