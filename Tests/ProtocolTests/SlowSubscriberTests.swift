// A subscriber that does not read: it loses events and is told how many, and nobody else notices. The daemon keeps 256 KiB
// for it, and the sockets their buffers.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct SlowSubscriberTests {
    @Test(arguments: Backend.allCases)
    func itIsToldHowManyItLostAndOthersLoseNothing(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let (slow, quick) = (try backend.connect(), try backend.connect())
        try slow.subscribe(queue, events: ["enqueued"])
        try quick.subscribe(queue, events: ["enqueued"])
        var jobs: [String] = []
        for _ in 0..<6 {
            let batch = try client.enqueueMany(queue, 1_000)
            #expect(try quick.events(1_000).map { $0["job"].string } == batch)
            jobs += batch
        }
        var (kept, dropped) = (0, 0)
        while kept + dropped < jobs.count {
            let event = try slow.event()
            if event["event"] == "overflow" {
                #expect(event.object.keys.sorted() == ["dropped", "event"])
                dropped += event["dropped"].int!
            } else {
                #expect(event["job"] == JSON(jobs[kept + dropped]))
                kept += 1
            }
        }
        #expect(kept > 500, "\(kept)")
        #expect(dropped > 1_000, "\(dropped)")
        // From here on it hears everything again.
        let next = try client.enqueueMany(queue, 10)
        #expect(try slow.events(10).map { $0["job"].string } == next)
        #expect(try quick.events(10).map { $0["job"].string } == next)
    }

    @Test(arguments: Backend.allCases)
    func unsubscribeTellsOfWhatWasLost(on backend: Backend) throws {
        let (client, slow, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        let before = try MetricSamples(of: client)["jobqd_events_dropped_total"]!
        try slow.subscribe(queue, events: ["enqueued"])
        for _ in 0..<6 { try client.enqueueMany(queue, 1_000) }
        try slow.send(["op": "unsubscribe"])
        var (kept, dropped) = (0, 0)
        while true {
            let line = try slow.receive()
            if line["ok"] == true { break }
            if line["event"] == "overflow" { dropped += line["dropped"].int! } else { kept += 1 }
        }
        #expect(kept + dropped == 6_000)
        #expect(dropped > 0)
        _ = try eventualMetrics(client) { $0["jobqd_events_dropped_total"] == before + Double(dropped) }
    }

    @Test(arguments: Backend.allCases)
    func aReaderOfABurstLosesNothing(on backend: Backend) throws {
        let (client, watcher, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try watcher.subscribe(queue, events: ["enqueued"])
        let jobs = try client.enqueueMany(queue, 1_000)
        #expect(try watcher.events(1_000).map { $0["job"].string } == jobs)
        #expect(try client.call("info")["connections_dropped"] == 0)
    }
}
