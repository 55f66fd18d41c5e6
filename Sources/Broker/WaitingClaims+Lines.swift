// The lines in which claims wait: made when a claim needs one, bounded, and forgotten some time after the last.
//
// The store is listened to for each queue with a line, so names cost something, here and in Redis. Each connection and
// each user may have so many listened to at a time, and of those that no claim needs any more the last few are kept for a
// while, so that busy workers do not cause a subscription for each claim.

import Reactor
import Store
import Wire

extension WaitingClaims {
    /// Names and patterns that the waiting claims of one connection, and of one user, may name.
    static let namesPerConnection = 1_024
    static let namesPerUser = 4_096
    /// Of these, patterns: each new queue is held against all of them.
    static let patterns = 1_024

    /// Gives a claim its places. Returns why not; then it has none.
    func takePlaces(_ claim: WaitingClaim) -> WireError? {
        claim.places = Array(repeating: nil, count: claim.queues.count)
        for index in claim.queues.indices {
            let isPattern = claim.patterns & (1 << UInt64(index)) != 0
            guard isPattern || claim.waits else { continue }
            let name = claim.queues[index]
            let known = isPattern ? patterns.line(name) : lines[name]
            if (known?.users ?? 0) == 0, let refusal = refusal(of: claim, isNew: known == nil, isPattern: isPattern) {
                leavePlaces(claim)
                return refusal
            }
            let line = known ?? newLine(name, isPattern: isPattern)
            if line.users == 0 { begin(line, claim.session) }
            line.users += 1
            claim.places[index] = ClaimPlace(claim, line, index)
        }
        return nil
    }

    /// A claim is over.
    func leavePlaces(_ claim: WaitingClaim) {
        for case let place? in claim.places {
            let line = place.line
            line.remove(place)
            line.users -= 1
            if line.users == 0 { end(line) }
        }
        claim.places = []
    }

    private func refusal(of claim: WaitingClaim, isNew: Bool, isPattern: Bool) -> WireError? {
        if names(of: claim.session).names >= Self.namesPerConnection {
            return tooMany("this connection waits", Self.namesPerConnection)
        }
        if names(ofUser: claim.session).names >= Self.namesPerUser {
            return tooMany("user \(claim.session.stream.peer.uid) waits", Self.namesPerUser)
        }
        if isPattern, isNew, patterns.count >= Self.patterns {
            return WireError(
                .badRequest, "claims wait for \(Self.patterns) different patterns, the most that a daemon takes",
                field: "queues")
        }
        return nil
    }

    private func tooMany(_ who: String, _ limit: Int) -> WireError {
        WireError(
            .badRequest, "\(who) for \(limit) different queues, the most at a time: let some claims end first",
            field: "queues")
    }

    private func newLine(_ name: String, isPattern: Bool) -> ClaimLine {
        if isPattern, let glob = Glob(name) { return patterns.begin(glob) }
        let line = ClaimLine(name)
        lines[name] = line
        listen(name)
        return line
    }

    private func begin(_ line: ClaimLine, _ session: Session) {
        let payers = (connection: names(of: session), user: names(ofUser: session))
        payers.connection.names += 1
        payers.user.names += 1
        line.payers = payers
        idle.remove(line)
    }

    private func end(_ line: ClaimLine) {
        line.payers?.connection.names -= 1
        line.payers?.user.names -= 1
        line.payers = nil
        let now = broker.loop.now
        idle.add(line, at: now)
        forgetIdle(at: now)
    }

    /// Forgets lines that nobody has asked for in a while.
    func forgetIdle(at now: UInt64) {
        while let line = idle.popOver(at: now) {
            if let pattern = line as? PatternLine {
                patterns.end(pattern)
            } else {
                lines[line.name] = nil
                ignore(line.name)
            }
        }
    }

    private func names(of session: Session) -> NameCount {
        if let known = session.claimNames { return known }
        let new = NameCount()
        session.claimNames = new
        return new
    }

    private func names(ofUser session: Session) -> NameCount {
        let uid = session.stream.peer.uid
        if let known = namesByUser[uid] { return known }
        let new = NameCount()
        namesByUser[uid] = new
        return new
    }

    // MARK: What is listened to

    /// A queue has a line, or matches a pattern.
    func listen(_ queue: String) { broker.store.watch(queue: queue) }

    /// It has no line, or matches no pattern any more.
    func ignore(_ queue: String) {
        if lines[queue] == nil, patterns.queue(queue) == nil { broker.store.unwatch(queue: queue) }
    }
}
