// `jobqctl top` without a terminal and without a daemon: replies in, lines out; bytes in, keys out.

import Testing
import Wire

@testable import jobqctl

@Suite struct TopViewTests {
    private static let info = """
        {"version":"1.2","uptime_ms":65000,"store":"redis","redis":{"address":"unix:/r","state":"ready","version":"7.0"},\
        "connections":3,"workers":1,"waiting_claims":2,"draining":false}
        """

    private static func queue(_ name: String, queued: Int, enqueued: Int, paused: Bool = false) -> String {
        """
        {"queue":"\(name)","depth":{"queued":\(queued),"dead":\(queued / 2)},"latency_ms":\(queued * 1000),\
        "paused":\(paused),"totals":{"enqueued":\(enqueued),"completed":\(enqueued / 2),"dead":0}}
        """
    }

    private static func queues(_ all: [String]) throws -> JSONDocument {
        try JSONDocument("{\"queues\":[\(all.joined(separator: ","))]}")
    }

    private func state(_ count: Int = 2) throws -> TopState {
        var state = TopState(socket: "/s")
        state.take(info: try JSONDocument(Self.info))
        state.take(
            queues: try Self.queues((0..<count).map { Self.queue("q\($0)", queued: $0, enqueued: 10) }), at: 1_000)
        return state
    }

    private func screen(_ state: TopState, columns: Int = 80, rows: Int = 24) -> [String] {
        let view = TopView(state: state, columns: columns, clock: "12:00:00", time: { "T\($0)" })
        return view.screen(rows: rows).map(\.plain)
    }

    @Test func theScreenHasHeaderQueuesAndKeys() throws {
        let lines = screen(try state())
        #expect(lines.count == 24)
        #expect(lines[0] == "jobqd 1.2 on /s, up 1 min 5 s" + String(repeating: " ", count: 43) + "12:00:00")
        #expect(lines[1] == "Redis 7.0 ready at unix:/r")
        #expect(lines[2] == "3 connections, 1 worker, 2 waiting claims")
        #expect(
            lines[4] == "QUEUE                QUEUED  SCHED  RETRY  BUSY   DEAD    IN/S   OUT/S    OLDEST")
        #expect(lines[6] == "q1                        1      0      0     0      0       -       -       1 s")
        #expect(lines[23].hasPrefix("q quit  p pause  s sort: name"))
    }

    @Test(arguments: [(80, 24), (40, 10), (200, 60), (10, 3), (1, 1)])
    func noLineIsWiderAndNoScreenHigherThanTheTerminal(columns: Int, rows: Int) throws {
        var state = try state(100)
        state.take(
            workers: try JSONDocument(
                #"{"workers":[{"worker":"a very long name \#(String(repeating: "w", count: 90))","pid":1,"held":2}]}"#))
        for number in 0..<20 {
            state.take(
                event: try JSONDocument(
                    #"{"event":"dead","job":"q/\#(number)","seq":"1-1","at":\#(number),"reason":"r"}"#))
        }
        let view = TopView(state: state, columns: columns, clock: "12:00:00")
        let lines = view.screen(rows: rows)
        #expect(lines.count <= rows)
        let plain = Terminal(hasColours: false)
        #expect(lines.allSatisfy { TextWidth.of($0.text(width: columns, plain)) <= columns })
        // Marks add no width: without them it is the same text.
        let coloured = lines.map { $0.text(width: columns, Terminal(hasColours: true)) }
        #expect(rows < 20 || coloured.contains { $0.contains("\u{1B}[31m") })
    }

    @Test func ratesAreDifferencesOverTime() throws {
        var state = try state(1)
        #expect(state.rates == nil)
        state.take(queues: try Self.queues([Self.queue("q0", queued: 0, enqueued: 30)]), at: 3_000)
        #expect(state.queues[0].rateIn == 10 && state.queues[0].rateOut == 5)
        #expect(screen(state)[2].hasSuffix(", 10.0 in and 5.0 out a second"))
        // What was counted by a daemon or over a connection before is no start for a rate.
        state.lost("away")
        state.take(queues: try Self.queues([Self.queue("q0", queued: 0, enqueued: 99)]), at: 4_000)
        #expect(state.queues[0].rateIn == nil)
    }

    @Test func whenTheDaemonIsAwayTheScreenSaysSoAndKeepsWhatWasSeen() throws {
        var state = try state()
        state.lost("cannot reach jobqd")
        #expect(screen(state)[1] == "reconnecting: cannot reach jobqd")
        #expect(screen(state)[6].hasPrefix("q1 "))
    }

    @Test(arguments: [
        (TopState.Order.name, ["a", "b", "c"]), (.queued, ["b", "c", "a"]), (.oldest, ["b", "c", "a"]),
        (.dead, ["b", "c", "a"]),
    ])
    func queuesAreSorted(order: TopState.Order, names: [String]) throws {
        var state = TopState(socket: "/s")
        let all = [("a", 0), ("b", 8), ("c", 4)].map { Self.queue($0.0, queued: $0.1, enqueued: 0) }
        state.take(queues: try Self.queues(all), at: 0)
        state.order = order
        #expect(state.sortedQueues.map(\.name) == names)
    }

    @Test func manyQueuesAreScrolled() throws {
        var state = try state(100)
        #expect(screen(state)[22] == "… 83 more")
        state.scroll(by: 90)
        #expect(screen(state)[5].hasPrefix("q91 ") || screen(state)[5].hasPrefix("q90 "))
        state.scroll(by: 1_000)
        #expect(state.firstQueue == 99)
        state.scroll(by: -1_000)
        #expect(state.firstQueue == 0)
    }

    @Test func pausedQueuesAreMarked() throws {
        var state = TopState(socket: "/s")
        state.take(queues: try Self.queues([Self.queue("q", queued: 1, enqueued: 1, paused: true)]), at: 0)
        #expect(screen(state)[5].hasSuffix("paused"))
    }

    @Test func failuresAreNewestFirstAndEachOnce() throws {
        var state = try state()
        for at in [5, 9, 7, 9] {
            state.take(
                event: try JSONDocument(
                    #"{"event":"retrying","job":"q/a","seq":"1-1","at":\#(at),"attempt":2,"reason":"failed"}"#))
        }
        state.take(
            dead: try JSONDocument(#"{"jobs":[{"job":"q/b","finished_at":8,"attempts":3,"reason":"lease_expired"}]}"#))
        #expect(state.failures.map(\.at) == [9, 8, 7, 5])
        let lines = screen(state)
        let title = try #require(lines.firstIndex(of: "LATEST FAILURES"))
        #expect(lines[title + 1] == "T9       retrying  q/a 2. failed")
    }

    @Test func workersAreShownToThoseWhoMaySeeThemOnly() throws {
        var state = try state()
        state.take(workers: nil)
        #expect(!screen(state).contains { $0.hasPrefix("WORKER") })
        let reply = #"{"workers":[{"worker":"w","pid":12,"held":1,"since_at":3,"quiet":true,"connected":true}]}"#
        state.take(workers: try JSONDocument(reply))
        #expect(screen(state).contains { $0.hasPrefix("w ") && $0.contains("T3") && $0.hasSuffix("quiet") })
    }

    @Test func controlCharactersOfOthersNeverReachTheTerminal() throws {
        var state = try state()
        state.take(
            event: try JSONDocument(#"{"event":"dead","job":"q/a","seq":"1-1","at":1,"reason":"\u001b[2J\u0007"}"#))
        #expect(!screen(state).joined().unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test func numbersFitIntoTheirColumns() {
        #expect(TopView.rate(0) == "0" && TopView.rate(0.01) == "0.0" && TopView.rate(12.34) == "12.3")
        #expect(TopView.rate(99.96) == "100.0" && TopView.rate(12_345.6) == "12346")
        #expect(TopView.count(99_999, width: 5) == "99999" && TopView.count(123_456, width: 5) == "123k")
        #expect(TopView.count(123_456_789, width: 5) == "123M")
    }

    @Test func keysAreReadFromWhatTerminalsSend() {
        #expect(TopKey.keys(in: Array("q".utf8)) == [.quit])
        #expect(
            TopKey.keys(in: Array("\u{1B}[A\u{1B}OB\u{1B}[5~\u{1B}[6~\u{1B}[H".utf8)) == [
                .up, .down, .pageUp, .pageDown, .home,
            ])
        #expect(TopKey.keys(in: Array("x\u{1B}[1;5Cs?".utf8)) == [.sort, .help])
        #expect(TopKey.keys(in: [0x1B]) == [] && TopKey.keys(in: [0x1B, 0x5B]) == [])
    }

    @Test func whatTheWorkerSaidIsShownAndAskedForOnce() throws {
        var state = try state()
        state.take(
            event: try JSONDocument(
                #"{"event":"dead","job":"q0/a","seq":"1-1","at":7,"attempt":2,"reason":"failed"}"#))
        #expect(state.failuresToAsk(10) == ["q0/a"])
        #expect(state.failuresToAsk(10).isEmpty)
        state.take(
            record: try JSONDocument(
                #"{"job":"q0/a","error":"other","history":[{"attempt":1,"error":"first"},{"attempt":2,"error":"boom"}]}"#
            ))
        #expect(screen(state).contains { $0.hasSuffix("q0/a 2. boom") })
    }

    @Test(arguments: [(60, "OLDEST", "SCHED"), (40, "DEAD", "IN/S"), (30, "QUEUED", "DEAD")])
    func aNarrowScreenLeavesOutWhatMattersLeast(columns: Int, kept: String, left: String) throws {
        let lines = screen(try state(), columns: columns)
        let title = try #require(lines.first { $0.hasPrefix("QUEUE") })
        #expect(title.contains(kept) && !title.contains(left) && title.count <= columns)
    }

    @Test func aFilterIsTypedAndTakenBack() throws {
        var state = try state(20)
        let type = { (state: inout TopState, text: String) in
            var bytes = Array(text.utf8)[...]
            while state.draft != nil, !bytes.isEmpty { state.type(&bytes) }
        }
        state.draft = ""
        type(&state, "Q1x")
        #expect(screen(state).last?.hasPrefix("queues with: Q1x_") == true)
        type(&state, "\u{7F}\r")
        #expect(state.sortedQueues.count == 11 && state.draft == nil)
        #expect(screen(state).last?.contains("/ filter: Q1") == true)
        state.draft = ""
        type(&state, "\u{1B}")
        #expect(state.sortedQueues.count == 20 && state.filter.isEmpty)
    }
}
