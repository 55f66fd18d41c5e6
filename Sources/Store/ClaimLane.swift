// Claims that wait to be sent. They differ from all other operations in that they must not be sent twice: a claim whose
// answer got lost may have taken jobs, which then come back when their lease ends. So the requests are kept only until
// they leave; a script call takes as many as ask for 100 jobs together.

import Redis

/// The claims of one queue that wait to be sent.
struct ClaimLane {
    struct Call {
        var request: ClaimRequest
        var isPatient: Bool
        /// µs of the loop's clock; `.max` for patient ones.
        var deadline: UInt64
        var then: Completion<Claimed>
    }
    /// Jobs that one script call may hand out.
    static let bound = 100

    private(set) var waiting: [Call] = []

    var isEmpty: Bool { waiting.isEmpty }

    var hasPatient: Bool { waiting.contains(where: \.isPatient) }

    mutating func append(_ call: Call) { waiting.append(call) }

    /// The first claims, as many as one script call may serve, and the jobs they want in all.
    mutating func takeFirst() -> (calls: ArraySlice<Call>, wanted: Int) {
        var wanted = 0
        let taken = waiting.prefix { call in
            guard wanted == 0 || wanted + call.request.max <= Self.bound else { return false }
            wanted += call.request.max
            return true
        }
        if taken.count == waiting.count { waiting = [] } else { waiting.removeFirst(taken.count) }
        return (taken, wanted)
    }

    mutating func takePatient() -> [Call] {
        let patient = waiting.filter(\.isPatient)
        waiting.removeAll(where: \.isPatient)
        return patient
    }

    /// Puts claims back that were not made, before the others.
    mutating func putBack(_ calls: ArraySlice<Call>) { waiting.insert(contentsOf: calls, at: 0) }

    mutating func takeExpired(now: UInt64) -> [Call] {
        guard waiting.contains(where: { $0.deadline <= now }) else { return [] }
        let expired = waiting.filter { $0.deadline <= now }
        waiting.removeAll { $0.deadline <= now }
        return expired
    }

    var earliestDeadline: UInt64 { waiting.lazy.map(\.deadline).min() ?? .max }

    /// Gives each claim its share of the jobs found, in the order of the claims, as the script counted leases.
    static func deliver(_ found: ClaimReply, to calls: ArraySlice<Call>) {
        var jobs = found.jobs[...]
        for call in calls {
            let share = jobs.prefix(call.request.max)
            jobs = jobs.dropFirst(share.count)
            call.then(.success(Claimed(jobs: Array(share), paused: found.isPaused)))
        }
    }
}
