// Time for deadlines, pauses and rates, which the wall clock must not change.

import Glibc

/// Monotonic time.
enum Clock {
    /// Milliseconds since some time.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Returns after so long, or earlier when a signal came.
    static func pause(_ milliseconds: Int64) {
        if milliseconds > 0 { poll(nil, 0, Int32(clamping: milliseconds)) }
    }
}
