// A single file descriptor watched by the loop itself: listeners, links to Redis, pidfds.
//
// For many descriptors of one kind this is the wrong tool: sd-event dispatches one source a turn and looks at all ready
// ones each time. Connections have their own epoll set (`ConnectionSet`), which is one source like these.

internal import CSystemd

/// What one wants to know of a file descriptor, and what is reported of it.
public struct Interest: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, an end of input or a connection can be taken without waiting.
    public static let readable = Interest(rawValue: EPOLLIN.rawValue)
    /// Bytes can be written without waiting; a connect has ended.
    public static let writable = Interest(rawValue: EPOLLOUT.rawValue)
    /// The peer sends no more (it may still read).
    public static let hangup = Interest(rawValue: EPOLLRDHUP.rawValue)
    /// The connection is over in both directions. Reported always, asked for or not.
    public static let closed = Interest(rawValue: EPOLLHUP.rawValue)
    /// An error is pending (SO_ERROR). Reported always.
    public static let error = Interest(rawValue: EPOLLERR.rawValue)

    /// What can be asked for; the others come by themselves.
    static let asked: Interest = [.readable, .writable, .hangup]
}

extension Loop {
    /// Watches a file descriptor (level-triggered) that stays the caller's and must outlive the source.
    public func watch(fd: Int32, interest: Interest, _ handler: @escaping (Interest) -> Void) -> FDSource {
        FDSource(loop: self, fd: fd, interest: interest, handler)
    }
}

/// A watched file descriptor. Letting go of it ends the watch; the descriptor is not closed.
public final class FDSource: LoopSource {
    private let handler: (Interest) -> Void

    /// What the handler is called for. Empty: only `.closed` and `.error`.
    public var interest: Interest {
        didSet {
            if interest == oldValue { return }
            let events = interest.intersection(.asked).rawValue
            expectSuccess(sd_event_source_set_io_events(handle, events), "sd_event_source_set_io_events")
        }
    }

    /// False: nothing at all is reported, not even `.closed`, which level triggering would repeat without end.
    public var isEnabled = true {
        didSet {
            if isEnabled == oldValue { return }
            let mode = Int32(isEnabled ? SD_EVENT_ON : SD_EVENT_OFF)
            expectSuccess(sd_event_source_set_enabled(handle, mode), "sd_event_source_set_enabled")
        }
    }

    init(loop: Loop, fd: Int32, interest: Interest, _ handler: @escaping (Interest) -> Void) {
        self.interest = interest
        self.handler = handler
        super.init(loop: loop)
        expectSuccess(
            sd_event_add_io(
                loop.event, &handle, fd, interest.intersection(.asked).rawValue,
                { _, _, events, userData in LoopSource.arrive(userData, .ready(events)) }, userData),
            "sd_event_add_io")
    }

    override func fire(_ occurrence: Occurrence) {
        if case .ready(let events) = occurrence { handler(Interest(rawValue: events)) }
    }
}
