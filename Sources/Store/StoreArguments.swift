// Requests as arguments of their scripts, in the layouts that the heads of the Lua files tell. Hot: everything goes
// straight into the buffer, and the options of a job are only spelled out when it has any.

import Redis

extension CommandBuffer {
    /// A number, or the empty argument for "not given".
    mutating func append(optional number: Int64?) {
        if let number { append(integer: number) } else { append("" as StaticString) }
    }

    /// JSON, which is never empty, or the empty argument for "not given".
    mutating func append(optional json: [UInt8]?) {
        if let json { append(bytes: json) } else { append("" as StaticString) }
    }

    mutating func append(_ claim: Claim) {
        append(claim.id)
        append(claim.token)
    }

    /// `max lease_ms worker`
    mutating func append(_ request: ClaimRequest) {
        append(integer: Int64(request.max))
        append(optional: request.leaseMs)
        append(request.worker)
    }

    /// `id type payload options`; the meta goes to `tail`.
    mutating func append(_ job: NewJob, tail: inout CommandBuffer) {
        append(job.id)
        append(job.type)
        append(bytes: job.payload)
        if job.isPlain {
            append("" as StaticString)
        } else {
            if let meta = job.meta { tail.append(bytes: meta) }
            append(job.options(meta: job.meta == nil ? nil : tail.count))
        }
    }
}

extension NewJob {
    /// Nothing but what every job has: by far the most are.
    var isPlain: Bool {
        priority == 0 && !front && start == .now && maxAttempts == nil && backoff == nil && leaseMs == nil
            && keepMs == nil && meta == nil
    }

    /// The eight words of the enqueue script.
    fileprivate func options(meta: Int?) -> String {
        func word(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "-" }
        let start =
            switch start {
            case .now: "-"
            case .delay(let milliseconds): "\(milliseconds)"
            case .at(let time): "@\(time)"
            }
        let place = front ? "front" : "back"
        let limits = "\(word(maxAttempts)) \(word(leaseMs)) \(word(keepMs)) \(word(meta))"
        return "\(place) \(priority) \(start) \(limits) \(backoff?.text ?? "-")"
    }
}

extension Backoff {
    /// As it stands in the record: `exponential 1000 3600000 0.5`.
    var text: String { "\(kind.rawValue) \(baseMs) \(maxMs) \(jitter)" }
}
