// Signals as bytes in a pipe, for a poll loop. One at a time in a process: a handler finds its pipe in a global.

import Glibc
import JobqClient

/// The pipe's end for handlers; −1 when nobody listens. Written while no handler is installed.
private nonisolated(unsafe) var handlerPipe: Int32 = -1

/// Catches signals until it goes.
final class SignalPipe {
    private let pipe: WakeupPipe
    private let signals: [Int32]

    /// Catches these, and ignores SIGPIPE: who writes looks at errors.
    init(_ signals: [Int32]) throws {
        pipe = try WakeupPipe()
        self.signals = signals
        handlerPipe = pipe.writeEnd
        var action = sigaction()
        action.sa_flags = SA_RESTART
        action.__sigaction_handler.sa_handler = { number in
            // signal-safety(7): write is allowed, and errno must be as it was.
            let before = errno
            var byte = UInt8(truncatingIfNeeded: number)
            _ = write(handlerPipe, &byte, 1)
            errno = before
        }
        for signal in signals { sigaction(signal, &action, nil) }
        signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        for number in signals { signal(number, SIG_DFL) }
        signal(SIGPIPE, SIG_DFL)
        handlerPipe = -1
    }

    /// Readable when a signal came.
    var descriptor: Int32 { pipe.descriptor }

    /// Those that came since the last call.
    func take() -> [Int32] { pipe.drain().map(Int32.init) }
}
