// How much memory connections hold, against how much they may: the one count of it, kept by who holds it.
//
// Three kinds count: input that waits to be looked at, requests that are not answered yet, and output that the peer has not
// read. Each holder adds and takes away as it goes, so the sum costs an addition where bytes move anyway. What is to be
// done when the sum leaves the range `low...high` is decided elsewhere (`MemoryWatch` of the broker), which also sets
// that range and the `allowance`. Only beyond the limit itself a stream acts at once, since one turn may write to many.

/// The memory of all connections. One for each daemon.
public final class MemoryBudget {
    /// Bytes that may be held; beyond them a stream whose peer does not read is closed at the next write.
    public var limit: Int
    /// Bytes held now.
    public private(set) var held = 0
    /// Of these, bytes of requests whose connection has ended: they go when the store has answered.
    public var orphaned = 0
    /// What one connection may hold and still be read from. `.max`: whatever the other limits allow.
    public var allowance = Int.max

    /// `onLeavingRange` is called when `held` comes above the one or below the other.
    public var high = Int.max
    public var low = Int.min
    /// Called inside whatever changes the sum, so it only takes note.
    public var onLeavingRange: (() -> Void)?

    public init(limit: Int = .max) { self.limit = limit }

    /// Nothing more fits.
    public var isExhausted: Bool { held > limit }

    /// Somebody holds so many bytes more, or less.
    public func change(by bytes: Int) {
        held += bytes
        if held > high || held < low { onLeavingRange?() }
    }
}
