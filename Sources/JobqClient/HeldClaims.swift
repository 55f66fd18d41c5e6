// The jobs that were claimed over a link and have not ended, and when each lease is to be renewed: at a third of it, so that
// two renewals may be lost. Pure: the time is handed in (monotonic milliseconds).

import Wire

/// What a worker holds.
struct HeldClaims {
    struct Claim {
        let job: String
        let token: String
        let leaseMs: Int64
        fileprivate(set) var extendAt: Int64
    }

    /// How soon a renewal that had no answer worth the name is tried again.
    static let retryMs: Int64 = 1_000

    private var byToken: [String: Claim] = [:]

    var isEmpty: Bool { byToken.isEmpty }
    var all: [Claim] { Array(byToken.values) }

    /// When `due` has something; nil: never.
    var nextTime: Int64? { byToken.values.lazy.map(\.extendAt).min() }

    /// Takes in the jobs of a claim's reply.
    mutating func add(_ jobs: [JSONDocument], at now: Int64) {
        for item in jobs {
            guard let job = item["job"]?.string, let token = item["token"]?.string else { continue }
            let leaseMs = item["lease_ms"]?.integer ?? 30_000
            byToken[token] = Claim(job: job, token: token, leaseMs: leaseMs, extendAt: now + leaseMs / 3)
        }
    }

    /// The claim has ended. False when it was not known.
    @discardableResult
    mutating func letGo(_ token: String) -> Bool { byToken.removeValue(forKey: token) != nil }

    /// What is to be renewed now. Each is due again after a third of its lease.
    mutating func due(at now: Int64) -> [Claim] {
        let due = byToken.values.filter { $0.extendAt <= now }
        for claim in due { extended(claim.token, at: now) }
        return due
    }

    /// A renewal is under way, or was done.
    mutating func extended(_ token: String, at now: Int64) {
        guard let claim = byToken[token] else { return }
        byToken[token]?.extendAt = now + max(1, claim.leaseMs / 3)
    }

    /// A renewal failed, though the lease may stand.
    mutating func extendSoon(_ token: String, at now: Int64) {
        guard let claim = byToken[token] else { return }
        byToken[token]?.extendAt = now + max(1, min(Self.retryMs, claim.leaseMs / 6))
    }

    // MARK: Reading what went over the link

    /// What an answer says of the claims that the request was about; and what it claims.
    mutating func note(_ request: RequestLine, _ reply: JSONDocument, at now: Int64) {
        switch request.operation {
        case "claim": add(reply["jobs"]?.array ?? [], at: now)
        case "complete", "fail", "release", "extend":
            if let items = request["jobs"]?.array {
                for (item, answer) in zip(items, reply["jobs"]?.array ?? []) { noteEnd(request, item, answer, at: now) }
                add(reply["next"]?["jobs"]?.array ?? [], at: now)
            } else {
                if let token = request["token"]?.string { noteEnd(request, token, reply, at: now) }
                if request["next"] != nil { add(reply["jobs"]?.array ?? [], at: now) }
            }
        default: break
        }
    }

    private mutating func noteEnd(
        _ request: RequestLine, _ item: JSONDocument, _ answer: JSONDocument, at now: Int64
    ) {
        if let token = item["token"]?.string { noteEnd(request, token, answer, at: now) }
    }

    private mutating func noteEnd(_ request: RequestLine, _ token: String, _ answer: JSONDocument, at now: Int64) {
        if answer["ok"]?.bool == true {
            if request.operation == "extend" { extended(token, at: now) } else { letGo(token) }
        } else if request.operation != "extend", let error = answer["error"], Self.isEnd(ProtocolError(error)) {
            letGo(token)
        }
    }

    /// Whether an error means that the claim is over.
    static func isEnd(_ error: ProtocolError) -> Bool {
        switch error.errorCode {
        case .leaseLost, .notFound, .wrongState: true
        default: false
        }
    }
}
