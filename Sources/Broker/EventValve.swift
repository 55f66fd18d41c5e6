// What a subscriber that does not read gets: nothing, and later the number of what it did not get. A state machine
// without I/O.
//
// Open: events go out. Shut, from the first event that finds the socket full and more than the bound unsent, until
// everything is written: events are counted and dropped. Then the count is told, before the next event. Memory is bounded
// by the bound and what one turn of the loop brings.

/// Lets the events of one subscription through, or counts them.
struct EventValve {
    /// Events dropped and not yet told of; the valve is shut while there are any.
    private(set) var dropped = 0
    /// Bytes that may wait while the peer does not read.
    let bound: Int

    init(bound: Int) { self.bound = bound }

    /// `count` events (at least one) are to go out: whether they may. If not they are counted.
    ///
    /// - Parameters:
    ///   - unsent: bytes that wait to be written.
    ///   - isCongested: the socket took no more at the last write. Without that the bytes wait only for the end of the
    ///     turn, and no notice of having been drained would follow.
    mutating func admit(_ count: Int, unsent: Int, isCongested: Bool) -> Bool {
        if dropped == 0, !isFull(unsent: unsent, isCongested: isCongested) { return true }
        dropped += count
        return false
    }

    /// Whether events would be dropped now.
    func isFull(unsent: Int, isCongested: Bool) -> Bool { isCongested && unsent > bound }

    /// Opens the valve. Returns how many events were dropped, to be told now; nil: none.
    mutating func open() -> Int? {
        defer { dropped = 0 }
        return dropped > 0 ? dropped : nil
    }
}
