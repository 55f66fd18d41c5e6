// What one operation gathers for one queue: batches of arguments, each to become one script call.
//
// Arguments are written into the batch as the call comes in, so nothing of a request is kept but its bytes; they stay
// until the reply is there, because every operation that uses lanes may be sent again after a lost link (it is
// idempotent by id or token). A batch has one deadline, that of its first call, and takes further calls only for a
// short while, so nobody's deadline is much early. Claims are not here (see ClaimLane): they must not be repeated.

import Redis

/// One script call in the making, under way, or waiting for the link to come back.
final class Batch<Outcome> {
    /// One call of the store's API: so many items of the batch, in order.
    struct Call {
        var count: Int
        var then: Completion<[Outcome]>
    }
    var arguments = CommandBuffer()
    /// Arguments that will stand behind all items (the metas of an enqueue).
    var tail = CommandBuffer()
    var items = 0
    var calls: [Call] = []
    let openedAt: UInt64
    /// µs of the loop's clock; `.max` for patient operations.
    let deadline: UInt64
    /// The number of items has to stand behind everything (enqueue, whose metas come last).
    let isCounted: Bool
    /// All of it may be handed over: jobs without any option.
    var isPlain = true
    private var isFinished = false
    /// It was sent before, and may have been executed.
    var isResent = false

    init(openedAt: UInt64, deadline: UInt64, isCounted: Bool) {
        self.openedAt = openedAt
        self.deadline = deadline
        self.isCounted = isCounted
    }

    /// All arguments: no further call may join.
    func finished() -> CommandBuffer {
        if isCounted, !isFinished {
            arguments.append(tail)
            arguments.append(integer: Int64(items))
            tail = CommandBuffer()
            isFinished = true
        }
        return arguments
    }

    func fail(_ failure: StoreFailure) {
        for call in calls { call.then(.failure(failure)) }
    }
}

/// The batches of one operation on one queue that wait to be sent.
final class BatchLane<Outcome> {
    /// How long a batch takes further calls, µs.
    private static var openFor: UInt64 { 50_000 }
    /// A batch of this many bytes takes no more: one script call must not hold Redis up, and a growing array is copied.
    private static var fullBytes: Int { 1 << 20 }

    let script: Script
    /// Items in one script call; a call with more has been cut before it comes here.
    let bound: Int
    /// What the script says of one item; nil for what it never says.
    let read: (ReplyView, _ isResent: Bool) -> Outcome?
    private var waiting: [Batch<Outcome>] = []

    init(_ script: Script, bound: Int, read: @escaping (ReplyView, _ isResent: Bool) -> Outcome?) {
        self.script = script
        self.bound = bound
        self.read = read
    }

    var isEmpty: Bool { waiting.isEmpty }

    /// The batch that a call of so many items may still join.
    func open(for items: Int, now: UInt64) -> Batch<Outcome>? {
        guard let last = waiting.last, last.items + items <= bound, !last.isResent, now < last.openedAt + Self.openFor,
            last.arguments.byteCount < Self.fullBytes
        else { return nil }
        return last
    }

    func append(_ batch: Batch<Outcome>) { waiting.append(batch) }

    func takeAll() -> [Batch<Outcome>] {
        defer { waiting = [] }
        return waiting
    }

    /// The batch at the head, if it was not sent before and `condition` holds.
    func takeFirst(if condition: (Batch<Outcome>) -> Bool) -> Batch<Outcome>? {
        guard let first = waiting.first, !first.isResent, condition(first) else { return nil }
        return waiting.removeFirst()
    }

    /// Takes a batch back from a lost link. Those of one flush come in their order, when nothing newer was sent.
    func putBack(_ batch: Batch<Outcome>) {
        batch.isResent = true
        waiting.insert(batch, at: waiting.firstIndex { !$0.isResent } ?? waiting.endIndex)
    }

    /// Takes out those whose deadline has passed, and ends them.
    func expire(now: UInt64, _ failure: StoreFailure) {
        guard waiting.contains(where: { $0.deadline <= now }) else { return }
        let expired = waiting.filter { $0.deadline <= now }
        waiting.removeAll { $0.deadline <= now }
        for batch in expired { batch.fail(failure) }
    }

    var earliestDeadline: UInt64 { waiting.lazy.map(\.deadline).min() ?? .max }
}

extension Batch {
    /// Gives every call its part of a reply: `now`, then an item for each item of the batch, then what is not for us.
    func deliver(_ reply: ReplyView, _ lane: BatchLane<Outcome>, further: Int = 0) {
        guard reply.count == items + 1 + further else { return fail(.badReply(lane.script)) }
        var index = 1
        for call in calls {
            var outcomes: [Outcome] = []
            outcomes.reserveCapacity(call.count)
            for item in index..<(index + call.count) {
                if let outcome = lane.read(reply[item], isResent) { outcomes.append(outcome) }
            }
            index += call.count
            call.then(outcomes.count == call.count ? .success(outcomes) : .failure(.badReply(lane.script)))
        }
    }
}
