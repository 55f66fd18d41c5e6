// When what begins now is over. The same rule as `soon` in Scripts/common.lua.

/// Times to come, from a server time that was rounded down to the millisecond.
enum DueTime {
    /// The end of a delay, a lease or a time to keep that begins now: never early, and up to a millisecond late.
    static func after(_ milliseconds: Int64, from now: ServerTime) -> ServerTime { now + 1 + milliseconds }
}
