// Claims whose answer was lost on the way from Redis: the script may have handed jobs out, and nobody knows their tokens.
//
// A token ends with the nonce of its script call, which the daemon chose. When the link is back the jobs in `processing`
// are looked through for these nonces, a step at a time and one queue after the other, and what is found is released:
// the attempt does not count. That is safe to repeat and takes no job from anybody, since the tokens reached nobody.
// What is not looked for (the daemon ended, more claims were lost than are remembered) waits for the end of its lease.

import Logging
import Redis

/// The claims to look for.
struct LostClaims {
    /// Nonces that are remembered; the oldest go first.
    private static let bound = 1_024

    private var waiting: [(queue: String, nonce: String)] = []
    /// A walk through a queue is under way.
    var isBusy = false

    mutating func add(queue: String, nonces: [String]) {
        waiting.append(contentsOf: nonces.map { (queue, $0) })
        if waiting.count > Self.bound { waiting.removeFirst(waiting.count - Self.bound) }
    }

    /// The next queue with all its nonces.
    mutating func take() -> (queue: String, nonces: [String])? {
        guard let queue = waiting.first?.queue else { return nil }
        let nonces = waiting.filter { $0.queue == queue }.map(\.nonce)
        waiting.removeAll { $0.queue == queue }
        return (queue, nonces)
    }
}

extension RedisStore {
    /// A claim was sent and has no answer; the link is lost.
    func claimWasLost(queue: String, nonce: String) { lostClaims.add(queue: queue, nonces: [nonce]) }

    /// Looks for the jobs of all lost claims, now that the link is there.
    func recoverLostClaims() {
        guard !lostClaims.isBusy, link.isReady, let (queue, nonces) = lostClaims.take() else { return }
        lostClaims.isBusy = true
        look(for: nonces, in: queue, cursor: "0", found: 0)
    }

    private func look(for nonces: [String], in queue: String, cursor: String, found: Int) {
        var arguments = CommandBuffer()
        arguments.append(queue)
        arguments.append(cursor)
        for nonce in nonces { arguments.append(nonce) }
        read(
            StoreScripts.lost, arguments, queue,
            then: { [self] (result: Result<LostStep, StoreFailure>) in
                guard case .success(let step) = result else { return recoverLater(nonces, queue) }
                release(step.claims, queue: queue) { [self] isReleased in
                    guard isReleased else { return recoverLater(nonces, queue) }
                    let found = found + step.claims.count
                    if step.cursor != "0" { return look(for: nonces, in: queue, cursor: step.cursor, found: found) }
                    recovered(found, queue)
                }
            }, { LostStep($0) })
    }

    private func release(_ claims: [Claim], queue: String, then: @escaping (_ isReleased: Bool) -> Void) {
        guard !claims.isEmpty else { return then(true) }
        release(claims.map { ReleaseRequest(claim: $0) }, queue: queue) { [self] result in
            guard case .success = result else { return then(false) }
            onWake?(queue)
            then(true)
        }
    }

    /// The link is lost again, or Redis refuses: the next time it becomes ready.
    private func recoverLater(_ nonces: [String], _ queue: String) {
        lostClaims.add(queue: queue, nonces: nonces)
        lostClaims.isBusy = false
    }

    private func recovered(_ found: Int, _ queue: String) {
        lostClaims.isBusy = false
        if found > 0 {
            configuration.logger.notice(
                """
                the answer of a claim was lost with the connection to Redis; \(found == 1 ? "1 job" : "\(found) jobs") of \
                \(queue) returned to the queue, the attempt not counted
                """,
                metadata: ["queue": "\(queue)", "jobs": "\(found)"])
        }
        recoverLostClaims()
    }
}

/// One step of the search.
private struct LostStep {
    var cursor: String
    var claims: [Claim]

    init?(_ reply: ReplyView) {
        guard reply.count >= 2, reply.count % 2 == 0, let cursor = reply[1].text else { return nil }
        self.cursor = cursor
        claims = stride(from: 2, to: reply.count, by: 2).map {
            Claim(id: reply[$0].string, token: reply[$0 + 1].string)
        }
    }
}
