// One claim, from its request to its answer. What moves it is `WaitingClaims`.

import Store
import Wire

/// What a claim took, of one queue.
typealias Taken = (queue: String, jobs: [ClaimedJob])

/// Why a claim ended without jobs.
enum ClaimFailure: Error {
    case store(StoreFailure)
    /// By `cancel_wait`.
    case cancelled
    /// Too many names are waited for.
    case refused(WireError)
}

/// A claim that has not been answered yet.
final class WaitingClaim: AgendaItem {
    /// What the claim is doing.
    enum Phase: Equatable {
        /// The store is asked about the queue, or one of the pattern's queues, at this index.
        case trying(Int)
        /// Nothing was there; a wake-up or the deadline comes next.
        case idle
        /// Answered, or nobody waits for it any more.
        case done
    }

    /// Names of queues and patterns in the order of preference, at most 64: each is a bit in the masks below.
    let queues: [String]
    /// Which of them are patterns.
    let patterns: UInt64
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
    /// Queues to be tried, the lowest bit (the most preferred queue) first unless `shares` says. At the beginning: all. The
    /// bit of a pattern stays until none of its queues may have a job.
    var pending: UInt64
    /// Its places in the lines of its queues, by their index. A claim that does not wait has those of patterns only.
    var places: [ClaimPlace?] = []
    /// Its place among the waiting claims of its session.
    var sessionPlace = 0
    /// The deadline came while the store was asked: whatever it says is the answer.
    var isExpired = false
    /// Its worker was told to claim no more: it is not tried, and stands in no line, until its worker may go on.
    var isParked = false
    var agendaTime: UInt64?
    var agendaEntry: UInt64?
    /// How many claims a wake-up of unknown size has set off so far, see `WaitingClaims.wake(_:atLeast:)`.
    var surge = 0

    init(
        _ body: ClaimBody, request: ClaimRequest, shares: WeightedShares?, ticket: Ticket, deadline: UInt64?,
        answer: @escaping (Result<Taken, ClaimFailure>) -> Void
    ) {
        precondition(body.queues.count <= 64, "the protocol allows 64 queues a claim")
        queues = body.queues
        patterns = body.patterns
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
    func nextIndex() -> Int {
        guard let shares else { return pending.trailingZeroBitCount }
        return shares.next(among: pending, queuesAt: queueCount)
    }

    /// The pattern at an index; nil: a name is there.
    func pattern(at index: Int) -> PatternLine? {
        guard patterns & (1 << UInt64(index)) != 0 else { return nil }
        return places[index].flatMap { $0.line as? PatternLine }
    }

    /// How many queues with work an index may stand for.
    func queueCount(at index: Int) -> Int { pattern(at: index)?.rotationCount ?? 1 }

    /// What targets an access rule judges.
    var scopes: [QueueScope] { QueueScope.all(of: queues, patterns: patterns) }

    var waits: Bool { deadline != nil }
    var isDone: Bool { phase == .done }
}
