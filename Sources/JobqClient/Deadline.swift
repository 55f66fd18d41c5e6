// A point in monotonic time, and the system's words for an error number.
//
// A deadline is made once for each request and asked before each wait, so several short waits do not add up to a long one.

import Glibc

/// When to stop waiting.
struct Deadline {
    /// CLOCK_MONOTONIC, milliseconds; nil: never.
    private let at: Int64?

    static let never = Deadline(at: nil)

    private init(at: Int64?) { self.at = at }

    init(afterMs milliseconds: Int64) {
        let (sum, overflow) = MonotonicClock.now.addingReportingOverflow(milliseconds)
        at = overflow ? nil : sum
    }

    var hasPassed: Bool { at.map { MonotonicClock.now >= $0 } ?? false }

    /// Milliseconds left, as poll(2) takes them: −1 for ever.
    var pollTimeout: Int32 {
        guard let at else { return -1 }
        return Int32(clamping: max(0, at - MonotonicClock.now))
    }
}

/// strerror_r(3) in its POSIX form: safe beside other threads.
func systemMessage(_ code: Int32) -> String {
    let text = [CChar](unsafeUninitializedCapacity: 256) { buffer, count in
        guard let start = buffer.baseAddress, strerror_r(code, start, buffer.count) == 0 else { return }
        count = strlen(start)
    }
    return text.isEmpty ? "error \(code)" : String(decoding: text.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
