// Time for deadlines, pauses and rates, which the wall clock must not change.

import Glibc
import JobqClient

/// Monotonic time.
enum Clock {
    /// Milliseconds since some time.
    static var now: Int64 { MonotonicClock.now }

    /// Returns after so long, or earlier when a signal came.
    static func pause(_ milliseconds: Int64) {
        if milliseconds > 0 { poll(nil, 0, Int32(clamping: milliseconds)) }
    }
}
