// One claim, from its request to its answer. What moves it is `WaitingClaims`.

import Store

/// What a claim took, of one queue.
typealias Taken = (queue: String, jobs: [ClaimedJob])

/// Why a claim ended without the store's word.
enum ClaimFailure: Error {
    case store(StoreFailure)
    /// By `cancel_wait`.
    case cancelled
}

/// A claim that has not been answered yet.
final class WaitingClaim: AgendaItem {
    /// What the claim is doing.
    enum Phase: Equatable {
        /// The store is asked about the queue at this index.
        case trying(Int)
        /// Nothing was there; a wake-up or the deadline comes next.
        case idle
        /// Answered, or nobody waits for it any more.
        case done
    }

    /// In the order of preference, at most 64: each is a bit in the masks below.
    let queues: [String]
    let request: ClaimRequest
    /// For a weighted claim: who says which queue is next. nil: the queues' order does.
    let shares: WeightedShares?
    let session: Session
    /// The id of its request, by which `cancel_wait` finds it.
    let id: [UInt8]?
    /// Monotonic µs; nil for a claim that does not wait.
    let deadline: UInt64?
    /// Answers the request: the queue and its jobs (none at the deadline), or why not.
    let answer: (Result<Taken, ClaimFailure>) -> Void

    /// Its place among all waiting claims, by arrival.
    var number = 0
    var phase = Phase.idle
    /// Queues to be tried, the lowest bit (the most preferred queue) first unless `shares` says. At the beginning: all.
    var pending: UInt64
    /// Queues in whose line this claim stands.
    var listed: UInt64 = 0
    /// The deadline came while the store was asked: whatever it says is the answer.
    var isExpired = false
    /// Its worker was told to claim no more: it is not tried, and stands in no line, until its worker may go on.
    var isParked = false
    var agendaTime: UInt64?
    var agendaEntry: UInt64?
    /// How many claims a wake-up of unknown size has set off so far, see `WaitingClaims.wake(_:atLeast:)`.
    var surge = 0

    init(
        queues: [String], request: ClaimRequest, shares: WeightedShares?, ticket: Ticket, deadline: UInt64?,
        answer: @escaping (Result<Taken, ClaimFailure>) -> Void
    ) {
        precondition(queues.count <= 64, "the protocol allows 64 queues a claim")
        self.queues = queues
        self.request = request
        self.shares = shares
        session = ticket.session
        id = ticket.id
        self.deadline = deadline
        self.answer = answer
        pending = 0
        askAll()
    }

    /// All queues are to be tried.
    func askAll() { pending = queues.count == 64 ? .max : (1 << UInt64(queues.count)) - 1 }

    /// The queue to be tried next, of those that are `pending`.
    func nextIndex() -> Int { shares?.next(among: pending) ?? pending.trailingZeroBitCount }

    var waits: Bool { deadline != nil }
    var isDone: Bool { phase == .done }
}
