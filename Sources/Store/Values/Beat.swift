// What a daemon and its store tell each other once a second, so that all daemons on one store agree on what time does.

/// What the store is told with a beat.
public struct Beat: Equatable, Sendable {
    /// An earlier beat that was answered.
    public struct Last: Equatable, Sendable {
        public var now: ServerTime
        /// `BeatReply.moved` of it.
        public var moved: Int64
        /// How long ago that was, by a clock that nobody sets.
        public var elapsedMs: Int64

        public init(now: ServerTime, moved: Int64, elapsedMs: Int64) {
            self.now = now
            self.moved = moved
            self.elapsedMs = elapsedMs
        }
    }

    /// The last one of this daemon; nil: there was none.
    public var last: Last?
    /// The longest lease that this daemon gave and that ran at `last` or later; 0: none.
    public var longestLeaseMs: Int64

    public init(last: Last?, longestLeaseMs: Int64) {
        self.last = last
        self.longestLeaseMs = longestLeaseMs
    }
}

/// What the store answers.
public struct BeatReply: Equatable, Sendable {
    public var now: ServerTime
    /// Expired leases are not reclaimed before this time; nil: they are.
    public var pausedUntil: ServerTime?
    /// For how long no daemon was connected, in ms of the server's clock, if this beat noticed it; else 0.
    public var gapMs: Int64
    /// By how much the server's clock was set back, if this beat noticed it; else 0.
    public var steppedBackMs: Int64
    /// By how much it was set back in all.
    public var moved: Int64
    /// Queues whose due times still have to follow it.
    public var queuesToMove: Int
    /// How many queues there are.
    public var queues: Int

    public init(
        now: ServerTime, pausedUntil: ServerTime? = nil, gapMs: Int64 = 0, steppedBackMs: Int64 = 0, moved: Int64 = 0,
        queuesToMove: Int = 0, queues: Int = 0
    ) {
        self.now = now
        self.pausedUntil = pausedUntil
        self.gapMs = gapMs
        self.steppedBackMs = steppedBackMs
        self.moved = moved
        self.queuesToMove = queuesToMove
        self.queues = queues
    }
}

/// What `look` found in one queue.
public struct QueueLook: Equatable, Sendable {
    /// Its place among those asked about.
    public var index: Int
    /// The earliest due time, if it is near or over.
    public var due: ServerTime?
    /// Queued jobs are there to be claimed and the queue is not paused.
    public var claimable: Bool

    public init(index: Int, due: ServerTime?, claimable: Bool) {
        self.index = index
        self.due = due
        self.claimable = claimable
    }
}
