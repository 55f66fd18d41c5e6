// What is done when connections hold much memory in all: those who hold most are not read from, and then dropped.
//
// Four marks of `MemoryBytes=`: from 3/4 on (pressed) a connection that holds more than its share is not read from, until
// half is free again; from 15/16 on those who hold most are dropped, down to 3/4; beyond 1 no line of anybody is looked at.
// Who is held back for longer than a request may take, without getting lighter, waits for memory that does not come free:
// then, too, those who hold most are dropped. "Most" is judged by user first, so one user's many connections cannot push out another's
// few. Requests of connections that ended stay counted until the store has answered; dropping others would not help there.
//
// Everything is counted where it happens (`MemoryBudget`); connections are gone through only when a mark is passed, and
// dropped or taken up again some at a time. Administrators' connections are never held back or dropped for memory.

import Logging
import Reactor

/// Keeps the memory of all connections within the budget.
final class MemoryWatch {
    private unowned let broker: Broker
    private var budget: MemoryBudget { broker.budget }
    private var isPressed = false
    /// The range was left since the last look.
    private var isDue = false
    private var isScheduled = false
    /// The most that was held since pages were last given back.
    private var peak = 0
    private var valve = RefusalValve()

    /// Connections that are not read from for the memory they hold.
    private(set) var heldBackCount = 0
    /// Connections closed for it, since the start.
    private(set) var droppedCount = 0

    /// Nobody who holds less is held back, except beyond the budget, or dropped at all.
    private static let spared = 4_096
    /// The least that counts as a share.
    private static let leastAllowance = 65_536
    /// Connections dropped, or taken up again, in one turn.
    private static let perTurn = 64
    /// How long one waits for memory, beyond the time of a request, before others are dropped for it; µs.
    private static let patienceUs: UInt64 = 2_000_000
    /// After a burst of this size free pages are given back.
    private static let burst = 16 << 20

    init(broker: Broker) {
        self.broker = broker
        setMarks()
        budget.onLeavingRange = { [weak self] in self?.leftRange() }
    }

    // MARK: Marks

    private var limit: Int { budget.limit }
    private var pressedMark: Int { limit / 4 * 3 }
    private var calmMark: Int { limit / 2 }
    private var dropMark: Int { limit / 16 * 15 }

    /// The budget was changed by a reload.
    func limitChanged() {
        setMarks()
        leftRange()
    }

    private func setMarks() {
        budget.low = isPressed ? calmMark : .min
        // Under pressure each further 1/64 asks for another look, so that a look is paid for by what came since.
        budget.high = isPressed ? max(dropMark, budget.held + limit / 64) : pressedMark
    }

    /// The sum left its range, somewhere inside the work of a turn.
    private func leftRange() {
        isDue = true
        guard !isScheduled else { return }
        isScheduled = true
        broker.loop.deferred { [self] in
            isScheduled = false
            relieveIfNeeded()
        }
    }

    // MARK: Relief

    /// Looks at the connections if the sum has left its range. Not to be called while a session looks at its lines.
    func relieveIfNeeded() {
        guard isDue else { return }
        isDue = false
        peak = max(peak, budget.held)
        if budget.held < calmMark {
            isPressed = false
        } else if budget.held > pressedMark {
            isPressed = true
        }
        if budget.held > dropMark { drop(downTo: pressedMark) }
        budget.allowance = isPressed ? share() : .max
        setMarks()
        if heldBackCount > 0 { takeUpAgain() }
    }

    /// What one connection may hold under pressure: a quarter of the budget is shared among those who hold much. None when
    /// even the dropping of all does not help.
    private func share() -> Int {
        if budget.isExhausted { return 0 }
        let heavy = broker.allSessions.count { $0.heldBytes > Self.leastAllowance }
        return max(Self.leastAllowance, limit / 4 / max(1, heavy))
    }

    /// Those who are held back and need not be any more are read from again, some a turn.
    private func takeUpAgain() {
        if budget.isExhausted { return }
        let allowance = budget.allowance
        let light = broker.allSessions.lazy.filter { $0.memory.heldBack != nil && $0.heldBytes <= allowance }
        let some = Array(light.prefix(Self.perTurn))
        for session in some { session.reconsider() }
        if some.count == Self.perTurn { leftRange() }
    }

    func heldBack(by change: Int) { heldBackCount += change }

    /// Once a second: nobody waits for long for memory that others keep; after a burst pages go back to the kernel.
    func tick(at now: UInt64) {
        peak = max(peak, budget.held)
        if heldBackCount > 0 {
            if isStuck(at: now) { drop(downTo: calmMark) }
            leftRange()
        }
        if peak >= Self.burst, budget.held < peak / 4 {
            peak = budget.held
            MallocTuning.giveBack()
        }
    }

    /// Whether somebody was held back for long and did not get lighter.
    private func isStuck(at now: UInt64) -> Bool {
        let patience = UInt64(broker.options.requestTimeoutMs) * 1_000 + Self.patienceUs
        // All of them are asked: each notes whether it got lighter.
        return broker.allSessions.count { $0.hasWaitedForMemory(patience, at: now) } > 0
    }

    // MARK: Dropping

    private func drop(downTo mark: Int) {
        var users: [UInt32: (sum: Int, sessions: [Session])] = [:]
        for session in broker.allSessions where !session.isAdmin && session.stream.isOpen {
            let bytes = session.heldBytes
            guard bytes > Self.spared else { continue }
            users[session.stream.peer.uid, default: (0, [])].sum += bytes
            users[session.stream.peer.uid, default: (0, [])].sessions.append(session)
        }
        // The heaviest last, from where they are taken.
        for user in users.keys { users[user]?.sessions.sort { $0.heldBytes < $1.heldBytes } }
        var excess = budget.held - budget.orphaned - mark
        var count = 0
        while excess > 0, count < Self.perTurn {
            let worst = users.lazy.filter { !$0.value.sessions.isEmpty }.max { $0.value.sum < $1.value.sum }
            guard let user = worst?.key, let session = users[user]?.sessions.popLast() else { return }
            let bytes = session.heldBytes
            users[user]?.sum -= bytes
            excess -= bytes
            count += 1
            dropped(session, bytes: bytes)
            session.drop()
        }
        if excess > 0 { leftRange() }
    }

    /// Counts a connection that is closed for the memory it holds, and tells the log.
    func dropped(_ session: Session, bytes: Int) {
        droppedCount += 1
        let peer = session.stream.peer
        guard let unsaid = valve.pass(peer.uid, at: broker.loop.now) else { return }
        var metadata = MessageID.memoryDrop.with([
            "uid": "\(peer.uid)", "pid": "\(peer.pid)", "bytes": "\(bytes)", "held": "\(budget.held)",
            "limit": "\(limit)",
        ])
        if let worker = session.worker?.name { metadata["worker"] = .string(worker) }
        if unsaid > 0 { metadata["unsaid"] = "\(unsaid)" }
        broker.log.warning(
            """
            a connection of uid \(peer.uid), pid \(peer.pid), is dropped: it holds \(bytes) bytes, \
            and all connections together \(budget.held) of MemoryBytes=\(limit)
            """, metadata: metadata)
    }
}
