// Ctrl-C in the middle of a long work: the step under way is finished, and what was done is said. A second one ends the
// program at once, in the way of the system.

import Glibc

enum Interruption {
    // Written by the signal handler alone, once; a whole word, so it is read whole.
    nonisolated(unsafe) private static var signal: Int32 = 0

    /// From now on SIGINT and SIGTERM ask to stop.
    static func watch() {
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { Interruption.signal = $0 }
        // Only once: the next one is the system's.
        action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
        sigaction(SIGINT, &action, nil)
        sigaction(SIGTERM, &action, nil)
    }

    static var isRequested: Bool { signal != 0 }

    /// What the program ends with when that was requested.
    static var status: ExitStatus { signal == SIGTERM ? .terminated : .interrupted }
}
