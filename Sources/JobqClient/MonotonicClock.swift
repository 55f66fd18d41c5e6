// Time for deadlines, pauses and rates, which the wall clock must not change: of this library and of jobqctl.

import Glibc

/// CLOCK_MONOTONIC (clock_gettime(2)).
package enum MonotonicClock {
    /// Milliseconds since some time.
    package static var now: Int64 { microseconds / 1_000 }

    /// Microseconds since the same time.
    package static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
