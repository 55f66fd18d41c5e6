// The operations that nearly every test needs, as one call each. What is special about a test it says in `members`. A
// reply that is not `ok` is an error with the whole reply in its text; a refusal that a test wants to see it asks for
// with `refused`.

extension LineClient {
    /// Enqueues one job and returns its name (`queue/id`).
    @discardableResult
    public func enqueue(_ queue: String, _ members: JSON = [:]) throws -> String {
        var members = members
        members["queue"] = JSON(queue)
        let reply = try call("enqueue", members)
        guard let job = reply["job"].string else { throw HarnessError("enqueue → \(reply)") }
        return job
    }

    /// Enqueues `count` jobs with the payloads 0, 1, 2 … in one request and returns their names.
    @discardableResult
    public func enqueueMany(_ queue: String, _ count: Int, _ members: JSON = [:]) throws -> [String] {
        let jobs = (0..<count).map { number in
            var item = members
            item["queue"] = JSON(queue)
            item["payload"] = JSON(number)
            return item
        }
        return try call("enqueue", ["jobs": JSON(jobs)])["jobs"].array.map { $0["job"].string ?? "" }
    }

    /// The jobs a claim of one queue gives.
    public func claim(_ queue: String, _ members: JSON = [:], within seconds: Double = 10) throws -> [JSON] {
        var members = members
        members["queue"] = JSON(queue)
        return try call("claim", members, within: seconds)["jobs"].array
    }

    /// The one job a claim gives; waits up to 5 s for it and throws when there is none.
    public func claimOne(_ queue: String, _ members: JSON = [:]) throws -> JSON {
        var members = members
        if members["wait_ms"].isNull { members["wait_ms"] = 5000 }
        guard let job = try claim(queue, members).first else { throw HarnessError("nothing to claim in \(queue)") }
        return job
    }

    /// Sends a claim with the id 1 that waits, and returns when the daemon has it; its answer is the next line.
    ///
    /// With `store` false it only knows that the daemon has read it: for when the store is away.
    public func startWaiting(_ queue: String, ms: Int = 60_000, store: Bool = true) throws {
        try send(["op": "claim", "id": 1, "queue": JSON(queue), "wait_ms": JSON(ms)])
        // The first round trip may overtake the claim's, the second one is behind it.
        for _ in 0..<2 {
            let reply = try request(["op": "ping", "id": 2, "store": .bool(store)])
            guard reply["id"] == 2, reply["ok"] == true else { throw HarnessError("instead of waiting: \(reply)") }
        }
    }

    /// `{"job":…,"token":…}` of a claimed job, with more members: what the token operations take.
    public static func proof(_ claimed: JSON, _ members: JSON = [:]) -> JSON {
        var request = members
        request["job"] = claimed["job"]
        request["token"] = claimed["token"]
        return request
    }

    @discardableResult
    public func complete(_ claimed: JSON, _ members: JSON = [:]) throws -> JSON {
        try call("complete", Self.proof(claimed, members))
    }

    @discardableResult
    public func fail(_ claimed: JSON, _ members: JSON = [:]) throws -> JSON {
        try call("fail", Self.proof(claimed, members))
    }

    @discardableResult
    public func release(_ claimed: JSON, _ members: JSON = [:]) throws -> JSON {
        try call("release", Self.proof(claimed, members))
    }

    @discardableResult
    public func extend(_ claimed: JSON, _ members: JSON = [:]) throws -> JSON {
        try call("extend", Self.proof(claimed, members))
    }

    /// The job's record as `get` shows it.
    public func record(_ job: String) throws -> JSON {
        try call("get", ["job": JSON(job)])["job"]
    }

    /// The state in the job's record.
    public func state(_ job: String) throws -> String {
        try record(job)["state"].string ?? ""
    }

    /// `stats` of one queue.
    public func stats(_ queue: String) throws -> JSON {
        try call("stats", ["queue": JSON(queue)])
    }
}
