// A store in which everything was used once, so that every key and every field that there can be is there.

import Harness

/// A Redis with a daemon that has done all it can.
struct UsedStore {
    let redis: RedisServer
    let daemon: Daemon
    let client: LineClient

    init() throws {
        redis = try RedisServer()
        daemon = try Daemon(.redis(redis))
        client = try daemon.connect()
        try client.call("hello", ["worker": "w"])
        try configure()
        try bindAndWait()
        try endEachWay()
    }

    private func configure() throws {
        try client.call(
            "configure",
            [
                "create": true, "queue": "q", "max_attempts": 2, "lease_ms": 20_000, "backoff": ["kind": "fixed"],
                "keep_ms": 100_000,
                "keep_count": 50, "dead_keep_ms": 1_000_000, "dead_keep_count": 50, "max_len": 1000, "order": "lifo",
                "aging_ms": 60_000,
            ])
        try client.call("subscribe", ["queues": ["never"], "events": ["dead"]])
        try client.call("unsubscribe")
    }

    /// What waits: scheduled, with every option, and in a paused queue.
    private func bindAndWait() throws {
        try client.call("bind", ["topic": "t", "queue": "q"])
        try client.enqueue(
            "q",
            [
                "type": "kind", "priority": 3, "delay_ms": 600_000, "max_attempts": 4, "lease_ms": 15_000,
                "keep_ms": 90_000, "meta": ["a": 1], "expires_in_ms": 900_000, "backoff": ["kind": "linear"],
                "unique": ["key": "k", "ttl_ms": 800_000],
            ])
        try client.enqueue("ordinary", ["unique": ["key": "held"]])
        try client.enqueue("ordinary", ["type": "after it"])
        try client.call("pause", ["create": true, "queue": "paused"])
    }

    /// One job for each end, and one that is still in the worker's hands.
    private func endEachWay() throws {
        try client.enqueue("q", ["expires_in_ms": 1])
        try eventually(within: 10, "the job expired") {
            try client.call("stats", ["queue": "q"])["depth"]["expired"] == 1
        }
        try client.call("cancel", ["job": JSON(client.enqueue("q")), "reason": "why"])

        try client.enqueue("q")
        let done = try client.claimOne("q", ["lease_ms": 30_000])
        try client.call("complete", ["job": done["job"], "token": done["token"], "result": 1])

        try client.enqueue("q")
        let first = try client.claimOne("q")
        try client.call("fail", ["job": first["job"], "token": first["token"], "error": "e", "retry": false])

        try client.enqueue("q")
        let second = try client.claimOne("q")
        try client.call("fail", ["job": second["job"], "token": second["token"], "retry_in_ms": 600_000])

        try client.enqueue("q")
        let kept = try client.claimOne("q", ["lease_ms": 60_000])
        try client.call(
            "extend",
            ["job": kept["job"], "token": kept["token"], "progress": 1, "checkpoint": 2, "log": "line"])
        try client.call("cancel", ["job": kept["job"], "reason": "later"])

        let released = try client.enqueue("q")
        let third = try client.claimOne("q")
        try client.call("release", ["job": third["job"], "token": third["token"]])
        try client.call("delete", ["job": JSON(released)])
        try client.call("requeue", ["queue": "q", "state": "cancelled"])
        try client.call("cancel", ["job": JSON(client.enqueue("q"))])
        try reclaim()
        try listen()
    }

    /// A lease that nobody renews.
    private func reclaim() throws {
        try client.enqueue("ordinary", ["front": true])
        _ = try client.claimOne("ordinary", ["lease_ms": 100])
        try eventually(within: 10, "the lease reclaimed") {
            try client.call("stats", ["queue": "ordinary"])["totals"]["reclaimed"] == 1
        }
    }

    private func listen() throws {
        let other = try daemon.connect()
        try other.call("subscribe", ["queues": ["q"], "events": ["claimed"]])
        try client.enqueue("q")
        try other.call("unsubscribe")
    }
}
