// Claims that wait to be sent. They differ from all other operations in that they must not be sent twice: a claim whose
// answer got lost may have taken jobs, which are looked for when the link is back (RedisStore+LostClaims.swift). So the
// requests are kept only until they leave; a script call takes as many as ask for 100 jobs together.
//
// Answers are bounded twice. A script call hands out about half a megabyte, so that servers that limit what waits for a
// client do not end the link; a claim that wants more is sent again for the rest, until its own answer is long enough.

import Redis

/// The claims of one queue that wait to be sent.
struct ClaimLane {
    struct Call {
        var request: ClaimRequest
        var isPatient: Bool
        /// µs of the loop's clock; `.max` for patient ones.
        var deadline: UInt64
        var then: Completion<Claimed>
        /// What earlier script calls found for it.
        fileprivate(set) var found: [ClaimedJob] = []
        fileprivate var foundBytes = 0
        /// Its place among the claims of the lane.
        fileprivate var number = 0

        init(request: ClaimRequest, isPatient: Bool, deadline: UInt64, then: @escaping Completion<Claimed>) {
            self.request = request
            self.isPatient = isPatient
            self.deadline = deadline
            self.then = then
        }

        /// What it still asks for.
        var rest: ClaimRequest {
            var rest = request
            rest.max -= found.count
            return rest
        }

        /// It ends for want of an answer; what was found before is its answer.
        func fail(_ failure: StoreFailure) {
            then(found.isEmpty ? .failure(failure) : .success(Claimed(jobs: found)))
        }

        /// Its answer, when there is nothing more for it.
        func end(paused: Bool = false, isCut: Bool = false) {
            then(.success(Claimed(jobs: found, paused: paused && found.isEmpty, isCut: isCut)))
        }
    }
    /// Jobs that one script call may hand out.
    static let bound = 100
    /// What they may count together, unless it is only one.
    static let boundBytes = 512 << 10

    private(set) var waiting: [Call] = []
    private var next = 0

    var isEmpty: Bool { waiting.isEmpty }

    var hasPatient: Bool { waiting.contains(where: \.isPatient) }

    mutating func append(_ call: Call) {
        waiting.append(call)
        waiting[waiting.count - 1].number = next
        next += 1
    }

    /// Whether the first claim has got nothing yet.
    var isFresh: Bool { waiting.first?.found.isEmpty ?? true }

    /// The first claims, as many as one script call may serve, the jobs they want in all, and the room they have: negative
    /// when also the first job has to fit. A claim that has jobs already is the only one or stands first.
    mutating func takeFirst() -> (calls: ArraySlice<Call>, wanted: Int, room: Int) {
        var wanted = 0
        let taken = waiting.prefix { call in
            guard wanted == 0 || (call.found.isEmpty && wanted + call.request.max <= Self.bound) else { return false }
            wanted += call.rest.max
            return true
        }
        let left = ClaimRequest.maximumBytes - (taken.first?.foundBytes ?? 0)
        let room = min(Self.boundBytes, left) * (isFresh ? 1 : -1)
        if taken.count == waiting.count { waiting = [] } else { waiting.removeFirst(taken.count) }
        return (taken, wanted, room)
    }

    mutating func takePatient() -> [Call] {
        let patient = waiting.filter(\.isPatient)
        waiting.removeAll(where: \.isPatient)
        return patient
    }

    /// Puts claims back that were not made, at their places, or not to their end: these behind all others, who have nothing yet.
    mutating func putBack(_ calls: some Collection<Call>) {
        for var call in calls {
            if !call.found.isEmpty {
                call.number = next
                next += 1
            }
            waiting.insert(call, at: waiting.firstIndex { $0.number > call.number } ?? waiting.endIndex)
        }
    }

    mutating func takeExpired(now: UInt64) -> [Call] {
        guard waiting.contains(where: { $0.deadline <= now }) else { return [] }
        let expired = waiting.filter { $0.deadline <= now }
        waiting.removeAll { $0.deadline <= now }
        return expired
    }

    var earliestDeadline: UInt64 { waiting.lazy.map(\.deadline).min() ?? .max }

    /// Gives each claim its share of the jobs found, in the order of the claims, as the script counted leases. Returns those
    /// that there is more for.
    static func deliver(_ reply: ClaimReply, to calls: ArraySlice<Call>) -> [Call] {
        var jobs = reply.jobs[...]
        var unfinished: [Call] = []
        for var call in calls {
            let wanted = call.rest.max
            let share = jobs.prefix(wanted)
            jobs = jobs.dropFirst(share.count)
            let hadSome = !call.found.isEmpty
            call.found.append(contentsOf: share)
            guard reply.isFull, share.count < wanted else {
                call.end(paused: reply.isPaused)
                continue
            }
            call.foundBytes += share.reduce(0) { $0 + $1.answerBytes }
            // One that had jobs and got no more has room for no further one.
            if call.foundBytes >= ClaimRequest.maximumBytes || (hadSome && share.isEmpty) {
                call.end(isCut: true)
            } else {
                unfinished.append(call)
            }
        }
        return unfinished
    }
}
