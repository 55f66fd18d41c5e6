// A Redis that answers and does not do what it is asked: full, without its replicas, read-only, busy, or with fewer rights
// for us than at the connect.
//
// PING is answered by such a server, so its errors are the only sign that it began, and nothing would say that it ended
// while nobody asks. So as long as it lasts the store tries, once a second, the script that the handshake tried: its
// first command is a write, and it leaves nothing. Errors about rights may concern one queue's keys only; they count as a
// refusal of the server when the script finds rights missing too. Then the link is made anew, whose handshake refuses it
// with a sentence that names what is missing.

import Logging
import Reactor
import Redis

/// What the watch over refusals needs.
struct RefusalWatch {
    var refusals = WriteRefusals()
    var timer: LoopTimer?
    /// When Redis refused something the last time, µs of the loop's clock.
    var lastRefusedAt: UInt64 = 0
    /// The probe's answer is awaited.
    var isProbing = false

    /// Between two probes; also how long no refusal may have come before it counts as over.
    static let probeInterval: UInt64 = 1_000_000
}

extension RedisStore {
    /// Begins, or with nil ends, a refusal of writes; see WriteRefusals.swift. While one of `ownServer` lasts nothing that
    /// writes is sent: calls end in this failure at once, waiting claims rest.
    public func refuseWrites(_ source: RefusalSource, because failure: StoreFailure?) {
        let change = watch.refusals.set(source, failure, now: loop.now)
        guard let change else { return }
        switch change {
        case .began:
            configuration.logger.warning(
                "Redis refuses writes: \(failure?.text ?? "")",
                metadata: MessageID.redisRefuses.with([
                    "address": "\(configuration.address)", "problem": "\(failure?.text ?? "")",
                ]))
        case .ended(let lasted):
            guard watch.refusals.current == nil else { break }
            configuration.logger.notice(
                "Redis takes writes again, after \(lasted / 1_000) ms",
                metadata: MessageID.redisAccepts.with(["address": "\(configuration.address)"]))
        }
        onStatusChange?()
        sendWhatWaited()
        if watch.refusals.current == nil, link.isReady { onWake?(nil) }
    }

    /// What calls get whose time is over: why nothing could be done.
    var presentFailure: StoreFailure {
        if isStarting, !link.isReady { return .unavailable("Redis is starting") }
        return watch.refusals.current?.failure ?? .unavailable(link.problem ?? "Redis does not answer")
    }

    func startWatchingRefusals() {
        watch.timer = loop.timer { [weak self] in self?.probe() }
        link.onRefusal = { [weak self] in self?.refused($0) }
        subscriptions.onRightsMissing = { [weak self] in self?.link.checkAgain($0) }
    }

    /// The link is ready: what its handshake found is how things are.
    func refusalsAfterConnect() {
        watch.isProbing = false
        if let failure = link.refusalAtConnect {
            refused(failure)
        } else {
            refuseWrites(.server, because: nil)
        }
    }

    /// While the link is down, its own problem is the reason.
    func refusalsAfterLoss() {
        watch.isProbing = false
        watch.timer?.disarm()
        _ = watch.refusals.set(.server, nil, now: loop.now)
    }

    private func refused(_ failure: RedisFailure) {
        watch.lastRefusedAt = loop.now
        if failure.isRefusal { refuseWrites(.server, because: StoreFailure(failure)) }
        if let timer = watch.timer, !timer.isArmed, !watch.isProbing { timer.arm(after: RefusalWatch.probeInterval) }
    }

    private func probe() {
        guard link.isReady, !watch.isProbing else { return }
        watch.isProbing = true
        link.tryRights { [weak self] in self?.probed($0) }
        link.flush()
    }

    private func probed(_ result: Result<RightsFindings, RedisFailure>) {
        guard watch.isProbing else { return }
        watch.isProbing = false
        let isQuiet = loop.now - watch.lastRefusedAt >= RefusalWatch.probeInterval
        switch result {
        case .success(let findings):
            if let problem = findings.problem(user: link.user) { return link.checkAgain(problem) }
            if let failure = findings.refusal { return refused(failure) }
            if isQuiet { return refuseWrites(.server, because: nil) }
        case .failure(let failure):
            guard case .reply = failure else { return }
            if failure.missingRight != nil { return link.checkAgain("\(failure)") }
            if failure.isRefusal { return refused(failure) }
        }
        watch.timer?.arm(after: RefusalWatch.probeInterval)
    }
}

extension StoreFailure {
    /// The words of it.
    public var text: String {
        switch self {
        case .unavailable(let text), .full(let text), .internal(let text): text
        }
    }
}
