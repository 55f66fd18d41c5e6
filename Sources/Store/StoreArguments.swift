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

    /// `id type payload options`; what is not for the options goes to `tail`, the extras.
    mutating func append(_ job: NewJob, tail: inout CommandBuffer) {
        append(job.id)
        append(job.type)
        append(bytes: job.payload)
        if job.isPlain {
            append("" as StaticString)
        } else {
            append(job.options(extras: &tail))
        }
    }
}

extension NewJob {
    /// Nothing but what every job has: by far the most are.
    var isPlain: Bool {
        priority == 0 && !front && start == .now && maxAttempts == nil && backoff == nil && leaseMs == nil
            && keepMs == nil && meta == nil && unique == nil && expiresInMs == nil
    }

    /// The ten words of admit.lua. The meta and the unique key become extras, which the words name by their number.
    fileprivate func options(extras: inout CommandBuffer) -> String {
        func word(_ value: (some BinaryInteger)?) -> String { value.map { "\($0)" } ?? "-" }
        let start =
            switch start {
            case .now: "-"
            case .delay(let milliseconds): "\(milliseconds)"
            case .at(let time): "@\(time)"
            }
        var (metaPlace, uniqueText): (Int?, String?)
        if let meta {
            extras.append(bytes: meta)
            metaPlace = extras.count
        }
        if let unique {
            extras.append(unique.key)
            uniqueText = "\(extras.count):\(unique.until.rawValue):\(word(unique.ttlMs))"
        }
        let place = front ? "front" : "back"
        let limits = "\(word(maxAttempts)) \(word(leaseMs)) \(word(keepMs)) \(word(metaPlace)) \(word(expiresInMs))"
        return "\(place) \(priority) \(start) \(limits) \(uniqueText ?? "-") \(backoff?.text ?? "-")"
    }
}

extension Backoff {
    /// As it stands in the record: `exponential 1000 3600000 0.5`.
    var text: String { "\(kind.rawValue) \(baseMs) \(maxMs) \(jitter)" }
}
