// Those who bring jobs in: by enqueue, many or one, and by publish.

import Foundation
import Harness

extension Load {
    func produce(_ number: Int) -> [String] {
        var random = random(UInt64(number) &+ 1)
        let client = StubbornClient(sockets, startingAt: number, stop: producersStop)
        var serial = 0
        while !producersStop.isSet {
            let count = random.once(in: 4) ? Int.random(in: 2...20, using: &random) : 1
            let items = (0..<count).map { offset in
                var item = item("p\(number)-\(serial + offset)", &random)
                item["queue"] = JSON(queue)
                return item
            }
            serial += count
            let began = History.now()
            for item in items { mention(name(item, queue)) }
            // Now and then the only try: whether it took effect stays unknown.
            let answer = client.request(["op": "enqueue", "jobs": JSON(items)], tries: random.once(in: 10) ? 1 : .max)
            for (index, item) in items.enumerated() {
                record(item, queue, answer, share: answer.reply?["jobs"][index] ?? nil, began: began, client)
            }
            usleep(UInt32.random(in: 1500...5000, using: &random))
        }
        return client.surprises
    }

    /// The topic's queues are bound first, and stay so.
    func publish() -> [String] {
        var random = random(100)
        let client = StubbornClient(sockets, stop: producersStop)
        for queue in queues {
            // A repeated request may find it bound already.
            _ = client.request(
                ["op": "bind", "topic": JSON(topic), "queue": JSON(queue)], tolerating: "bad_request")
        }
        var serial = 0
        while !producersStop.isSet {
            let item = item("t-\(serial)", &random)
            serial += 1
            for queue in queues { mention(name(item, queue)) }
            var request = item
            request["op"] = "publish"
            request["topic"] = JSON(topic)
            let began = History.now()
            let answer = client.request(request, tries: random.once(in: 10) ? 1 : .max)
            let shares = answer.reply?["jobs"].array ?? []
            if answer.outcome == .acknowledged, shares.count != queues.count {
                client.isSurprised(by: "published to \(queues): \(answer)")
            }
            // In the order of the queues' names.
            for (index, queue) in queues.enumerated() {
                record(item, queue, answer, share: index < shares.count ? shares[index] : nil, began: began, client)
            }
            usleep(UInt32.random(in: 3000...9000, using: &random))
        }
        return client.surprises
    }

    private func name(_ item: JSON, _ queue: String) -> String { "\(queue)/\(item["job_id"].string!)" }

    /// A job without a queue.
    func item(_ id: String, _ random: inout SeededRandom) -> JSON {
        var item: JSON = ["job_id": JSON(id), "payload": ["id": JSON(id)]]
        if random.once(in: 6) { item["delay_ms"] = JSON(Int.random(in: 1...80, using: &random)) }
        if random.once(in: 6) { item["priority"] = JSON(Int.random(in: -9...9, using: &random)) }
        if random.once(in: 8) { item["expires_in_ms"] = JSON(Int.random(in: 1...300, using: &random)) }
        if random.once(in: 6) {
            let key = Int.random(in: 0..<6, using: &random)
            item["unique"] =
                random.once(in: 3) ? ["key": JSON("claimed \(key)"), "until": "claimed"] : ["key": JSON("done \(key)")]
        }
        // Enough that crashes alone do not use them up; and some jobs that end dead.
        item["max_attempts"] = random.once(in: 30) ? 1 : 200
        return item
    }

    /// Writes down what became of one job of a request.
    func record(
        _ item: JSON, _ queue: String, _ answer: StubbornClient.Answer, share: JSON, began: UInt64,
        _ client: StubbornClient
    ) {
        let job = name(item, queue)
        let key = item["unique"]["key"].string
        if answer.outcome == .acknowledged {
            guard let named = share["job"].string else { return client.isSurprised(by: "\(item) → \(share)") }
            if named != job {
                if key == nil || share["duplicate"] != true { client.isSurprised(by: "\(item) → \(share)") }
                let call = HistoryEvent.Call.duplicate(job: job, holder: named, key: key ?? "")
                return history.record(call, .acknowledged, began: began)
            }
        }
        let terms = HistoryEvent.Terms(
            key: key, untilClaimed: item["unique"]["until"] == "claimed", expiresInMs: item["expires_in_ms"].int)
        let call = HistoryEvent.Call.enqueue(
            job: job, priority: item["priority"].int ?? 0, ordered: item["delay_ms"].isNull, terms: terms)
        history.record(call, answer.outcome, began: began)
    }
}
