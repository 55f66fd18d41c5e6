// The event log in Redis: the seqs that tell.lua gives, and reading them page by page.

import Harness
import Store
import Testing
import Wire

@Suite(.serialized, .timeLimit(.minutes(2)))
struct EventLogTests {
    @Test func eventsOfOneScriptAreOneEntryAndEachHasASeqOfItsOwn() throws {
        let fixture = try StoreFixture()
        let before = try fixture.wait { $0.ping(then: $1) }
        let seq = try fixture.server.tell("enqueued a 0", "claimed a 0", "dead a 3 - failed")
        let page = try fixture.eventPage()
        #expect(page.isLast)
        #expect(page.events.map(\.kind) == [.enqueued, .claimed, .dead])
        #expect(page.events.map(\.attempt) == [0, 0, 3])
        #expect(page.events.last?.reason == "failed")
        #expect(
            page.events.map(\.seq)
                == (0..<3).map { EventID(milliseconds: seq.milliseconds, number: seq.number - 2 + $0) })
        #expect(page.events[0].at >= before)
        #expect(page.events[0].at < before + 60_000)
        #expect(try fixture.server.command("XLEN", "jobq:{email}:events").int == 1)
    }

    @Test func queueWithoutALogHasNoEvents() throws {
        let fixture = try StoreFixture()
        #expect(try fixture.eventPage(after: EventID("5-5")!) == EventPage(events: [], isLast: true))
        #expect(try fixture.keyspace().isEmpty)
    }

    @Test func whereverOneBeginsNothingIsMissingAndNothingComesTwice() throws {
        let fixture = try StoreFixture()
        var serial = 0
        for count in [3, 1, 25, 2, 1, 1, 40] + Array(repeating: 1, count: 45) {
            try fixture.server.tell((serial..<(serial + count)).map { "completed \($0) 1" })
            serial += count
        }
        let all = try fixture.allEvents(limit: 1000)
        #expect(all.map(\.id) == (0..<serial).map { "\($0)" })
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.seq < $1.seq })
        for limit in [1, 2, 7, 20, 30] {
            #expect(try fixture.allEvents(limit: limit) == all)
        }
        for start in all.indices {
            let page = try fixture.eventPage(after: all[start].seq, limit: 5)
            #expect(page.events == Array(all[(start + 1)...].prefix(page.events.count)))
            #expect(page.isLast || page.events.count >= 1)
        }
        // Between two seqs that are there.
        let gap = EventID(milliseconds: all[2].seq.milliseconds, number: all[2].seq.number + 1)
        #expect(try fixture.allEvents(after: gap) == Array(all[3...]))
    }

    @Test func pageHoldsHardlyMoreThanItsLimit() throws {
        let fixture = try StoreFixture()
        for round in 0..<30 { try fixture.server.tell((0..<100).map { "claimed \(round).\($0) 1" }) }
        #expect(try fixture.eventPage(limit: 250).events.count == 300)
        #expect(try fixture.eventPage(limit: 250).isLast == false)
        #expect(try fixture.eventPage(limit: 1_000_000).events.count == 1000)
        #expect(try fixture.allEvents(limit: 1_000_000).count == 3000)
    }

    @Test func eventsOfManyCallsNeverShareASeq() throws {
        let fixture = try StoreFixture()
        var serial = 0
        for round in 0..<300 {
            let count = [1, 2, 17, 1, 1000, 3, 999, 1, 1][round % 9]
            try fixture.server.tell((serial..<(serial + count)).map { "completed \($0) 1" })
            serial += count
        }
        let all = try fixture.allEvents(limit: 1000)
        #expect(all.count == serial)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.seq < $1.seq })
        #expect(all.map(\.id) == (0..<serial).map { "\($0)" })
    }

    // MARK: A clock that went back

    @Test(arguments: ["9999999999999-0", "9999999999999-5007", "9999999999999-999", "9999999999999-1000"])
    func whenTheClockWentBackTheLogGoesOnBehindItsEnd(_ future: String) throws {
        let fixture = try StoreFixture()
        try fixture.server.tell("completed a 1")
        try fixture.server.command("XADD", "jobq:{email}:events", future, "events", "completed b 1")
        for lines in [
            ["completed c 1", "completed d 1"], ["completed e 1"], (0..<1000).map { "claimed \($0) 1" }, ["dead f 1"],
        ] {
            let seq = try fixture.server.tell(lines)
            #expect(seq.milliseconds == 9_999_999_999_999)
        }
        let all = try fixture.allEvents(limit: 10)
        #expect(all.map(\.id) == ["a", "b", "c", "d", "e"] + (0..<1000).map { "\($0)" } + ["f"])
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.seq < $1.seq })
        #expect(try fixture.allEvents(after: EventID(future)!) == Array(all[2...]))
    }

    @Test func clockThatIsLittleBehindTheLastEntryMakesNoSeqTwice() throws {
        let fixture = try StoreFixture()
        // All ids of this second are taken up to somewhere within a thousand, as after a step of the clock.
        let start = UInt64(try fixture.wait { $0.ping(then: $1) })
        var entries: [String] = []
        for ms in start..<(start + 300) {
            for number in stride(from: 5_007, to: 1_000_000, by: 100_000) { entries.append("\(ms)-\(number)") }
        }
        for id in entries {
            try fixture.server.command("XADD", "jobq:{email}:events", id, "events", "completed x 1")
        }
        for round in 0..<200 { try fixture.server.tell((0..<50).map { "claimed \(round).\($0) 1" }) }
        let all = try fixture.allEvents(limit: 1000)
        #expect(all.count == entries.count + 200 * 50)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.seq < $1.seq })
    }

    // MARK: What others have put there

    @Test func entriesOfAnotherFormAreLeftOutAndToldOfOnce() throws {
        let fixture = try StoreFixture()
        let log = "jobq:{email}:events"
        let first = try fixture.server.tell("completed a 1")
        try fixture.server.command("XADD", log, "*", "events", "hugged a 1")
        try fixture.server.command("XADD", log, "*", "x", "y", "z", "1")
        // More lines than a page may have: the page that has nothing else is not handed out.
        try fixture.server.command("XADD", log, "*", "events", String(repeating: "noise\n", count: 2000))
        try fixture.server.tell("completed b 1")
        #expect(try fixture.eventPage().events.map(\.id) == ["a"])
        let page = try fixture.eventPage(after: first, limit: 1)
        #expect(page.events.map(\.id) == ["b"])
        #expect(try fixture.allEvents().map(\.id) == ["a", "b"])
        #expect(fixture.complaints.lines.count == 1)
    }

    // MARK: Logging everything

    @Test func allIsLoggedForTheTimeAskedForAndNeverForLessThanBefore() throws {
        let fixture = try StoreFixture()
        func listened() throws -> Int64? {
            try fixture.server.command("HGET", "jobq:{email}:policy", "listened").int.map(Int64.init)
        }
        try fixture.wait { $0.logAll(queue: "email", forMs: 1000, then: $1) }
        #expect(try fixture.keyspace().isEmpty, "there is no such queue")
        try fixture.enqueue(ids: "1")
        let before = try fixture.wait { $0.ping(then: $1) }
        try fixture.wait { $0.logAll(queue: "email", forMs: 60_000, then: $1) }
        let until = try #require(try listened())
        #expect((before + 60_000...before + 70_000).contains(until))
        try fixture.wait { $0.logAll(queue: "email", forMs: 10_000, then: $1) }
        #expect(try listened() == until)
        try fixture.wait { $0.logAll(queue: "email", forMs: 120_000, then: $1) }
        #expect(try listened()! > until + 50_000)
    }

    @Test func pausedQueueWithoutJobsCanBeListenedTo() throws {
        let fixture = try StoreFixture()
        try fixture.wait { $0.pause(queue: "email", until: nil, then: $1) }
        try fixture.wait { $0.logAll(queue: "email", forMs: 1000, then: $1) }
        #expect(try fixture.server.command("HEXISTS", "jobq:{email}:policy", "listened").int == 1)
    }
}
