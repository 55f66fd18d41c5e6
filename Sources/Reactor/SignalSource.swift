// Signals as sources of the loop (signalfd underneath): SIGTERM, SIGINT, SIGHUP.
//
// The signal is blocked in the calling thread, as sd_event_add_signal(3) demands. Threads started later inherit that; a
// signal must therefore be registered before any other thread is started. Children get a clean mask (`ChildProcess`).

internal import CSystemd
internal import Glibc

extension Loop {
    /// Calls `handler` in a turn of its own each time signal `number` arrives (several at once may count as one).
    public func signal(_ number: Int32, _ handler: @escaping () -> Void) -> SignalSource {
        SignalSource(loop: self, number: number, handler)
    }

    /// Blocks a signal in this thread, so that it waits for whoever takes it from a descriptor.
    static func block(_ number: Int32) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, number)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }
}

/// A signal that is taken by the loop. The signal stays blocked when the object goes.
public final class SignalSource: LoopSource {
    private let handler: () -> Void

    init(loop: Loop, number: Int32, _ handler: @escaping () -> Void) {
        self.handler = handler
        super.init(loop: loop)
        Loop.block(number)
        expectSuccess(
            sd_event_add_signal(
                loop.event, &handle, number, { _, _, userData in LoopSource.arrive(userData, .signal) }, userData),
            "sd_event_add_signal")
    }

    override func fire(_ occurrence: Occurrence) { handler() }
}
