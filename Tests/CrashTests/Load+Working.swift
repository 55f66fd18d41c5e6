// Those who claim jobs and finish them, in every way there is.

import Foundation
import Harness

extension Load {
    func work(_ number: Int) -> [String] {
        var random = random(UInt64(number) &+ 1_000)
        let hello: JSON? = number % 2 == 0 ? ["worker": JSON("w\(number)"), "grace_ms": 100, "push": true] : nil
        let client = StubbornClient(sockets, startingAt: number, hello: hello, stop: workersStop)
        while !workersStop.isSet {
            let began = History.now()
            let claim: JSON = [
                "op": "claim", "queues": JSON(queues.map { JSON($0) }), "wait_ms": 100,
                "max": JSON(Int.random(in: 1...4, using: &random)),
                "lease_ms": JSON(Int.random(in: 300...800, using: &random)),
            ]
            let claimed = client.request(claim).reply?["jobs"].array ?? []
            for job in claimed { history.record(Self.claim(job), .acknowledged, began: began) }
            for job in claimed {
                // So that some are cancelled while they run.
                if random.once(in: 12) { usleep(UInt32.random(in: 1000...20_000, using: &random)) }
                finish(job["job"].string!, job["token"].string!, client, &random)
            }
            check(client.takeEvents(), client)
        }
        return client.surprises
    }

    private static func claim(_ job: JSON) -> HistoryEvent.Call {
        var sight = HistoryEvent.Sight(enqueuedAt: job["enqueued_at"].int)
        if let leaseUntil = job["lease_until"].int, let lease = job["lease_ms"].int {
            // The lease is counted from the next millisecond.
            sight.claimedAt = leaseUntil - lease - 1
        }
        if job.has("checkpoint") { sight.checkpoint = job["checkpoint"].description }
        return .claim(
            job: job["job"].string!, token: job["token"].string!, attempt: job["attempt"].int!,
            maxAttempts: job["max_attempts"].int!, sight: sight)
    }

    private func finish(_ job: String, _ token: String, _ client: StubbornClient, _ random: inout SeededRandom) {
        let proof: JSON = ["job": JSON(job), "token": JSON(token)]
        func ask(_ op: String, _ members: JSON, _ call: HistoryEvent.Call) {
            var request = proof
            for (name, value) in members.object { request[name] = value }
            request["op"] = JSON(op)
            let began = History.now()
            var outcome = client.request(request).outcome
            // A daemon that lost its Redis asks again by itself. If the job has been claimed anew meanwhile, a fail or release
            // that had taken effect ends in `lease_lost`: true, but no proof that it had none.
            if outcome == .refused, op != "complete" { outcome = .unknown }
            history.record(call, outcome, began: began)
        }
        func fail() {
            let delay = JSON(Int.random(in: 0...60, using: &random))
            ask("fail", ["retry_in_ms": delay, "error": "chance"], .fail(job: job, token: token))
        }
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<2: return  // forgotten: its lease will end
        case 2..<10: return fail()
        case 10..<15: return ask("release", [:], .release(job: job, token: token))
        case 15..<20:
            for step in 1...2 {
                let value: JSON = ["token": JSON(token), "step": JSON(step)]
                ask(
                    "extend", ["progress": 50, "checkpoint": value, "log": JSON("step \(step)")],
                    .checkpoint(job: job, token: token, value: value.description))
            }
            if random.once(in: 2) { return fail() }
        default: break
        }
        ask("complete", ["result": JSON(token)], .complete(job: job, token: token))
    }

    /// Only what concerns workers is pushed to them.
    private func check(_ events: [JSON], _ client: StubbornClient) {
        for event in events {
            switch event["event"].string {
            case "quiet", "resume": continue
            case "cancel", "lease_expiring", "lease_lost":
                if event["job"].string == nil || event["token"].string == nil { fallthrough }
            default: client.isSurprised(by: "\(event)")
            }
        }
    }
}
