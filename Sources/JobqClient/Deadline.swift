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
        let (sum, overflow) = Self.now.addingReportingOverflow(milliseconds)
        at = overflow ? nil : sum
    }

    var hasPassed: Bool { at.map { Self.now >= $0 } ?? false }

    /// Milliseconds left, as poll(2) takes them: −1 for ever.
    var pollTimeout: Int32 {
        guard let at else { return -1 }
        return Int32(clamping: max(0, at - Self.now))
    }

    /// CLOCK_MONOTONIC in milliseconds.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
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
