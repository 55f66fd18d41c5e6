// A one-shot timer of the loop: CLOCK_MONOTONIC, microseconds, off until it is armed.
//
// sd-event's default accuracy of 250 ms is for saving power; ours is 1 µs unless the owner says otherwise (a safety net
// that need not be on time can give 1 ms and be woken together with others).

internal import CSystemd

extension Loop {
    /// A timer, not armed yet. `accuracy` µs (1…1000) is how late it may fire on purpose.
    public func timer(accuracy: UInt64 = 1, _ handler: @escaping () -> Void) -> LoopTimer {
        LoopTimer(loop: self, accuracy: accuracy, handler)
    }
}

/// A timer that fires once each time it is armed. Letting go of it cancels it.
public final class LoopTimer: LoopSource {
    private let handler: () -> Void
    /// When it will fire (CLOCK_MONOTONIC, µs); nil while it is not armed.
    public private(set) var deadline: UInt64?

    init(loop: Loop, accuracy: UInt64, _ handler: @escaping () -> Void) {
        self.handler = handler
        super.init(loop: loop)
        expectSuccess(
            sd_event_add_time(
                loop.event, &handle, CLOCK_MONOTONIC, UInt64.max, max(1, accuracy),
                { _, _, userData in LoopSource.arrive(userData, .time) }, userData),
            "sd_event_add_time")
        sd_event_source_set_enabled(handle, Int32(SD_EVENT_OFF))
    }

    /// Whether it is waiting to fire. False inside its own handler, which may arm it again.
    public var isArmed: Bool { deadline != nil }

    /// Fires at `time` (µs, as `Loop.now`); at once, in a turn of its own, when that has passed.
    public func arm(at time: UInt64) {
        if deadline == time { return }
        expectSuccess(sd_event_source_set_time(handle, time), "sd_event_source_set_time")
        if deadline == nil { setEnabled(SD_EVENT_ONESHOT) }
        deadline = time
    }

    /// Fires `delay` µs from now.
    public func arm(after delay: UInt64) {
        let (time, tooFar) = loop.now.addingReportingOverflow(delay)
        arm(at: tooFar ? UInt64.max - 1 : time)
    }

    /// Does not fire any more until it is armed again.
    public func disarm() {
        if deadline == nil { return }
        deadline = nil
        setEnabled(SD_EVENT_OFF)
    }

    override func fire(_ occurrence: Occurrence) {
        deadline = nil
        handler()
    }

    private func setEnabled(_ mode: Int) {
        expectSuccess(sd_event_source_set_enabled(handle, Int32(mode)), "sd_event_source_set_enabled")
    }
}
