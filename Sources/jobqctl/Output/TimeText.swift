// Times and durations for people.
//
// Times come from the clock of Redis and are shown in the zone of whoever looks. --json has the numbers as they are.

import Glibc

enum TimeText {
    /// Local time to the second, `2026-11-21 14:03:07`, from milliseconds since the epoch.
    static func local(_ milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return String(milliseconds) }
        let text = [CChar](unsafeUninitializedCapacity: 64) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = strftime(start, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        }
        return String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The two largest units: `850 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d`.
    static func span(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case ..<1: return "\(milliseconds) ms"
        case ..<60: return "\(seconds) s"
        case ..<3600: return pair(seconds / 60, "min", seconds % 60, "s")
        case ..<86_400: return pair(seconds / 3600, "h", seconds / 60 % 60, "min")
        default: return pair(seconds / 86_400, "d", seconds / 3600 % 24, "h")
        }
    }

    private static func pair(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(large) \(largeUnit)" : "\(large) \(largeUnit) \(small) \(smallUnit)"
    }

    /// How long ago, as `3 min 5 s ago`; what is yet to come (by another clock) is `just now`.
    static func ago(_ milliseconds: Int64, now: Int64) -> String {
        now - milliseconds < 1_000 ? "just now" : "\(span(now - milliseconds)) ago"
    }
}
