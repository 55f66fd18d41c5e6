// What the scripts answer, as values: the other half of the heads of the Lua files. A reply that has another shape than
// its script gives is nil here and a bug (`StoreFailure.internal`) to the caller.

import Redis
import Wire

/// The reply of one claim script, before it is shared out.
struct ClaimReply {
    var isPaused: Bool
    /// The next job had no room.
    var isFull: Bool
    var jobs: [ClaimedJob]

    /// - Parameter nonce: the one the script was called with; tokens are `<n>-<nonce>`.
    init?(_ reply: ReplyView, nonce: String) {
        guard reply.count >= 2 else { return nil }
        let now = reply[0].integer
        isPaused = reply[1].integer == 1
        isFull = reply[1].integer == 2
        jobs = []
        guard reply.count > 2 else { return }
        let first = reply[2].integer
        jobs.reserveCapacity(reply.count - 3)
        for index in 3..<reply.count {
            let job = reply[index]
            // The ninth is since when it could be claimed, if not since its enqueue; the tenth the checkpoint.
            guard 8...10 ~= job.count, let attempt = job[4].decimal, let maxAttempts = job[5].decimal,
                let enqueuedAt = job[6].decimal,
                let leaseMs = job[7].decimal
            else { return nil }
            let readyAt = (job.count > 8 ? job[8].decimal : nil) ?? enqueuedAt
            jobs.append(
                ClaimedJob(
                    id: job[0].string, type: job[1].string, payload: job[2].array, meta: job[3].json,
                    attempt: Int(attempt), maxAttempts: Int(maxAttempts),
                    token: "\(first + Int64(index - 3))-\(nonce)", leaseMs: leaseMs,
                    leaseUntil: DueTime.after(leaseMs, from: now),
                    enqueuedAt: enqueuedAt, readyAt: readyAt == 0 ? nil : readyAt,
                    checkpoint: job.count == 10 ? job[9].json : nil))
        }
    }
}

extension ReplyView {
    /// A number that came as an integer or as its text. (Times and counts of ours: never negative but for scores.)
    var decimal: Int64? {
        switch kind {
        case .integer: return integer
        case .string:
            var value: Int64 = 0
            for byte in bytes {
                guard byte &- 48 < 10, value < 1 << 59 else { return nil }
                value = value * 10 + Int64(byte &- 48)
            }
            return bytes.isEmpty ? nil : value
        default: return nil
        }
    }

    /// The client's JSON, nil when there is none.
    var json: [UInt8]? { kind == .string && !bytes.isEmpty ? array : nil }

    /// A text, nil when there is none or it is empty.
    var text: String? { kind == .string && !bytes.isEmpty ? string : nil }

    var state: JobState? { kind == .string ? JobState(rawValue: string) : nil }
}

extension Enqueued {
    init?(_ item: ReplyView) {
        if let state = item.state {
            self.init(state: state, duplicate: true)
        } else if item.kind == .array, item.count == 2, let state = item[0].state {
            self.init(state: state, duplicate: true, holder: item[1].string)
        } else if item.kind == .integer {
            switch item.integer {
            case -1: self = .refused
            case 0: self.init(state: .queued, duplicate: false)
            case let runAt: self.init(state: .scheduled, duplicate: false, runAt: runAt)
            }
        } else {
            return nil
        }
    }
}

extension TokenOutcome {
    /// - Parameters:
    ///   - first: what 1 stands for in the script's reply; `second`: what 2 stands for. 3 is always a job that was
    ///     flagged, and is cancelled.
    ///   - timed: the state of a job for which the script gives a time.
    init?(_ item: ReplyView, _ first: JobState, _ second: JobState? = nil, timed: JobState? = nil) {
        guard item.kind == .integer else {
            guard let state = item.state else { return nil }
            self = .leaseLost(state)
            return
        }
        let number = item.integer
        switch number {
        case 0: self = .notFound
        case 1: self = .done(first, runAt: nil)
        case 3: self = .done(.cancelled, runAt: nil)
        default:
            if number == 2, let second {
                self = .done(second, runAt: nil)
            } else if let timed {
                self = .done(timed, runAt: number)
            } else {
                return nil
            }
        }
    }
}

extension ExtendOutcome {
    init?(_ item: ReplyView) {
        if let state = item.state {
            self = .leaseLost(state)
        } else if item.kind == .integer {
            let until = item.integer
            self = until == 0 ? .notFound : .extended(leaseUntil: abs(until), cancelRequested: until < 0)
        } else {
            return nil
        }
    }
}

extension RequeueOutcome {
    /// - Parameter isResent: an earlier call with an unknown end may have requeued it: then `queued` is what was asked.
    init?(_ item: ReplyView, isResent: Bool) {
        if let state = item.state {
            self = isResent && state == .queued ? .requeued : .wrongState(state)
        } else if item.kind == .integer {
            self = item.integer == 1 ? .requeued : .notFound
        } else {
            return nil
        }
    }
}

extension Swept {
    init?(_ reply: ReplyView) {
        self.init()
        guard reply.count >= 1 else { return nil }
        if reply.count == 1 { return }
        guard reply.count == 7 else { return nil }
        now = reply[0].integer
        reclaimed = Int(reply[1].integer)
        promoted = Int(reply[2].integer)
        expired = Int(reply[3].integer)
        more = reply[4].integer == 1
        claimable = reply[5].integer == 1
        nextDue = reply[6].kind == .integer ? reply[6].integer : nil
    }
}

extension BulkStep {
    /// After `now`: requeued, remaining, cursor.
    init?(_ reply: ReplyView) {
        guard reply.count == 4 else { return nil }
        self.init(
            done: Int(reply[1].integer), remaining: Int(reply[2].integer), cursor: reply[3].text)
    }
}
