// `delete` of one job and `purge` by filter: in every state but processing, with all that belongs to a record. After each
// the sums of the queue must still be right.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct RemovalTests {
    static let states = ["queued", "scheduled", "retrying", "completed", "dead", "cancelled", "expired"]

    // MARK: delete

    @Test(arguments: Backend.allCases, states)
    func aDeletedJobIsGone(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try fill(client, queue, state, 3)
        #expect(try client.call("delete", ["job": JSON(jobs[1])])["state"] == JSON(state))
        for op in ["get", "delete"] { #expect(try client.refused(op, ["job": JSON(jobs[1])])["code"] == "not_found") }
        let listed = try client.call("list", ["queue": JSON(queue), "state": JSON(state)])["jobs"].array
        #expect(Set(listed.compactMap { $0["job"].string }) == [jobs[0], jobs[2]])
        let isWaiting = ["queued", "scheduled", "retrying"].contains(state)
        #expect(try client.stats(queue)["totals"]["deleted"] == (isWaiting ? 1 : 0))
        try expectConservation(client, queue)
        // Its id is free again.
        #expect(
            try client.enqueue(queue, ["job_id": JSON(String(jobs[1].split(separator: "/").last ?? ""))]) == jobs[1])
        #expect(try client.record(jobs[1])["state"] == "queued")
    }

    @Test(arguments: Backend.allCases)
    func aJobInAWorkersHandsIsNotDeleted(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let job = try client.enqueue(queue)
        let claimed = try client.claimOne(queue)
        let error = try client.refused("delete", ["job": JSON(job)])
        #expect(error["code"] == "wrong_state" && error["state"] == "processing" && error["retryable"] == false)
        #expect(try client.complete(claimed)["state"] == "completed")
        #expect(try client.refused("delete", ["job": "no-such-queue/1"])["code"] == "not_found")
    }

    @Test(arguments: Backend.allCases)
    func aDeletedJobIsNotHandedOutAndDoesNotReturn(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let delayed = try client.enqueue(queue, ["delay_ms": 200])
        let job = try client.enqueue(queue)
        for name in [delayed, job] { try client.call("delete", ["job": JSON(name)]) }
        let clock = try client.enqueue(queue, ["delay_ms": 250])
        #expect(try client.claimOne(queue)["job"] == JSON(clock))
        #expect(try client.claim(queue).isEmpty)
        try expectConservation(client, queue)
    }

    // MARK: purge

    @Test(arguments: Backend.allCases, states)
    func aPurgeRemovesAllOfAStateAndNothingElse(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let others = try Self.states.filter { $0 != state && $0 != "queued" }.map { try fill(client, queue, $0, 1)[0] }
        let jobs = try fill(client, queue, state, 12)
        let request: JSON = ["queue": JSON(queue), "state": JSON(state)]
        var trial = request
        trial["dry_run"] = true
        let tried = try client.call("purge", trial)
        #expect(tried["purged"] == 12 && tried["remaining"] == 0 && tried["dry_run"] == true)
        #expect(try client.state(jobs[0]) == state)
        let reply = try client.call("purge", request)
        #expect(reply["purged"] == 12 && reply["remaining"] == 0 && !reply.has("dry_run"))
        for job in jobs { #expect(try client.refused("get", ["job": JSON(job)])["code"] == "not_found") }
        for job in others { #expect(try client.request(["op": "get", "job": JSON(job)])["ok"] == true) }
        #expect(try client.stats(queue)["depth"][state] == 0)
        #expect(try client.call("purge", request)["purged"] == 0)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases, states)
    func aPurgeIsBoundByItsLimitAndBeginsWithTheOldest(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let jobs = try fill(client, queue, state, 7)
        let reply = try client.call("purge", ["queue": JSON(queue), "state": JSON(state), "limit": 3])
        #expect(reply["purged"] == 3)
        #expect(reply["remaining"] == 4)
        let left = try client.call("list", ["queue": JSON(queue), "state": JSON(state)])["jobs"].array
        #expect(Set(left.compactMap { $0["job"].string }) == Set(jobs.suffix(4)))
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases, states)
    func aPurgeByTypeLeavesTheOthers(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let mail = try fill(client, queue, state, 3, ["type": "mail"])
        try fill(client, queue, state, 4, ["type": "report"])
        let reply = try client.call("purge", ["queue": JSON(queue), "state": JSON(state), "type": "report"])
        #expect(reply["purged"] == 4)
        let left = try client.call("list", ["queue": JSON(queue), "state": JSON(state)])["jobs"].array
        #expect(Set(left.compactMap { $0["job"].string }) == Set(mail))
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases, states)
    func aPurgeByAgeLeavesTheYoung(on backend: Backend, _ state: String) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        let old = try fill(client, queue, state, 2)
        let isWaiting = ["queued", "scheduled", "retrying"].contains(state)
        let since = try client.record(old[1])[isWaiting ? "enqueued_at" : "finished_at"].number
        try eventually(within: 5, "an age of 400 ms") {
            try client.call("ping", ["store": true])["at"].number - since >= 400
        }
        let young = try fill(client, queue, state, 1)[0]
        let age = try client.call("ping", ["store": true])["at"].number - since
        let request: JSON = ["queue": JSON(queue), "state": JSON(state), "older_than_ms": JSON(age)]
        #expect(try client.call("purge", request)["purged"] == 2)
        #expect(try client.state(young) == state)
        let far: JSON = ["queue": JSON(queue), "state": JSON(state), "older_than_ms": 3_600_000]
        #expect(try client.call("purge", far)["purged"] == 0)
        #expect(
            try client.call("purge", ["queue": JSON(queue), "state": JSON(state), "older_than_ms": 0])["purged"] == 1)
        try expectConservation(client, queue)
    }

    /// What it is looking for stands behind more jobs than one step looks at.
    @Test(arguments: Backend.allCases)
    func aPurgeLooksFurtherThanOneStep(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.enqueueMany(queue, 1000, ["type": "many"])
        try client.enqueueMany(queue, 300, ["type": "many"])
        try client.enqueueMany(queue, 20, ["type": "few"])
        let request: JSON = ["queue": JSON(queue), "state": "queued", "type": "few"]
        #expect(try client.call("purge", request)["purged"] == 20)
        #expect(try client.stats(queue)["depth"]["queued"] == 1300)
        let many = try client.call("purge", ["queue": JSON(queue), "state": "queued"])
        #expect(many["purged"] == 500 && many["remaining"] == 800)
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases)
    func aPurgeMakesRoomAndEmptiesTheDeadLetters(on backend: Backend) throws {
        let client = try backend.connect()
        let queue = freshQueue()
        try client.call("configure", ["create": true, "queue": JSON(queue), "max_len": 3])
        try client.enqueueMany(queue, 3)
        #expect(try client.refused("enqueue", ["queue": JSON(queue)])["code"] == "queue_full")
        try client.call("purge", ["queue": JSON(queue), "state": "queued", "limit": 2])
        #expect(try client.enqueueMany(queue, 2).count == 2)
        for claimed in try client.claim(queue, ["max": 3]) { try client.fail(claimed, ["retry": false]) }
        #expect(try client.call("purge", ["queue": JSON(queue), "state": "dead"])["purged"] == 3)
        #expect(try client.call("list", ["queue": JSON(queue), "state": "dead"])["jobs"] == [])
        if backend == .redis {
            #expect(try Stage.current.redis().command("XLEN", "jobq:{\(queue)}:dead").int == 0)
            #expect(try Stage.current.redis().command("KEYS", "jobq:{\(queue)}:job:*").array.isEmpty)
        }
        try expectConservation(client, queue)
    }

    @Test(arguments: [
        (#""queue":"a""#, "state"), (#""queue":"a","state":"processing""#, "state"), (#""state":"dead""#, "queue"),
        (#""queue":"a","state":"dead","limit":0"#, "limit"), (#""queue":"a","state":"dead","limit":501"#, "limit"),
        (#""queue":"a","state":"dead","older_than_ms":-1"#, "older_than_ms"),
        (#""queue":"a","state":"dead","dry_run":1"#, "dry_run"), (#""queue":"a","state":"dead","job":"a/1""#, "job"),
    ])
    func aWrongPurgeIsABadRequest(_ members: String, _ field: String) throws {
        let error = try Backend.memory.connect().request(text: #"{"op":"purge",\#(members)}"#)["error"]
        #expect(error["code"] == "bad_request" && error["field"] == JSON(field))
    }

    @Test(arguments: Backend.allCases)
    func aQueueThatDoesNotExistIsNotFound(on backend: Backend) throws {
        let error = try backend.connect().refused("purge", ["queue": "no-such-queue", "state": "dead"])
        #expect(error["code"] == "not_found" && error["field"] == "queue")
    }

    /// Brings `count` new jobs into a state, one after the other.
    @discardableResult
    private func fill(
        _ client: LineClient, _ queue: String, _ state: String, _ count: Int, _ members: JSON = [:]
    ) throws -> [String] {
        try (0..<count).map { number in
            var members = members
            let later = JSON(3_600_000 + number * 1000)
            switch state {
            case "queued": return try client.enqueue(queue, members)
            case "scheduled":
                members["delay_ms"] = later
                return try client.enqueue(queue, members)
            case "retrying":
                let job = try client.enqueue(queue, members)
                try client.fail(client.claimOne(queue), ["retry_in_ms": later])
                return job
            case "dead": return try JobEnding.failed.bring(newJobOf: queue, with: members, client)
            default: return try JobEnding(rawValue: state)!.bring(newJobOf: queue, with: members, client)
            }
        }
    }
}
