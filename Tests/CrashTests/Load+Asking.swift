// Those who want something of jobs that are there: some cancelled, others done.

import Foundation
import Harness

extension Load {
    /// Cancels any job that was enqueued not long ago, through any daemon, whatever it is doing.
    func cancel() -> [String] {
        var random = random(200)
        let client = StubbornClient(sockets, startingAt: 1, stop: producersStop)
        while !producersStop.isSet {
            usleep(UInt32.random(in: 2000...15_000, using: &random))
            guard let job = mentioned(&random) else { continue }
            let began = History.now()
            let answer = client.request(["op": "cancel", "job": JSON(job), "reason": "chance"])
            let ended = answer.reply?["state"] == "cancelled"
            history.record(.cancel(job: job, ended: ended), answer.outcome, began: began)
            if answer.outcome == .acknowledged, !ended, answer.reply?["cancel_requested"] != true {
                client.isSurprised(by: "cancel \(job) → \(answer)")
            }
        }
        return client.surprises
    }

    /// Enqueues jobs and waits for the end of each. A wait is longer than anything goes wrong at a time, so that one which
    /// is not woken shows.
    func submit(_ number: Int) -> [String] {
        var random = random(UInt64(number) &+ 300)
        let producer = StubbornClient(sockets, startingAt: number, stop: producersStop)
        let waiter = StubbornClient(sockets, startingAt: number + 1, stop: workersStop)
        var serial = 0
        while !producersStop.isSet {
            var item = item("s\(number)-\(serial)", &random)
            serial += 1
            item["op"] = "enqueue"
            item["queue"] = JSON(queue)
            let job = "\(queue)/\(item["job_id"].string!)"
            mention(job)
            let began = History.now()
            let answer = producer.request(item)
            item["op"] = nil
            record(item, queue, answer, share: answer.reply ?? nil, began: began, producer)
            guard answer.outcome == .acknowledged, let job = answer.reply?["job"].string else { continue }
            wait(job, waiter)
        }
        return producer.surprises + waiter.surprises
    }

    /// A daemon that stops answers before the time is over.
    private func wait(_ job: String, _ client: StubbornClient) {
        let began = History.now()
        while true {
            let asked = History.now()
            let answer = client.request(["op": "wait", "job": JSON(job), "wait_ms": 20_000], within: 25)
            guard let reply = answer.reply, reply["ok"] == true else { return }
            if reply["timed_out"] != true {
                let state = reply["job"]["state"].string ?? ""
                return history.record(.wait(job: job, state: state), .acknowledged, began: began)
            }
            if History.now() - asked > 19_000_000_000 { return client.isSurprised(by: "nobody came: \(reply)") }
        }
    }
}
