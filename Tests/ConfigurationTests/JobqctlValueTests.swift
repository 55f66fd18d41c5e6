// What people write on jobqctl's command line, and what it becomes: durations, times, rules of queues, patterns.

import Glibc
import Testing
import Wire

@testable import jobqctl

struct JobqctlValueTests {
    @Test(arguments: [
        ("500ms", 500), ("5s", 5_000), ("2min", 120_000), ("2m", 120_000), ("1h", 3_600_000), ("7d", 604_800_000),
        ("30", 30_000), ("0", 0), ("1.5", 1_500), ("1.5h", 5_400_000), ("1h30min", 5_400_000),
        ("1 h 30 min", 5_400_000),
    ])
    func durationsAreNumbersWithUnitsAndBareNumbersAreSeconds(text: String, milliseconds: Int64) {
        #expect(TimeSpan(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "s", "-5s", "5x", "5 5", "1e3", "1..5s", "h1", "99999999999999999999", "9999999999999d", "1h30",
    ])
    func whatIsNoDurationIsRefused(text: String) {
        #expect(TimeSpan(text) == nil)
    }

    @Test func durationsAreShownInTheirLargestUnit() {
        #expect(
            [90_000, 86_400_000, 1_500, 0].map { TimeSpan(milliseconds: $0).description } == [
                "90s", "1d", "1500ms", "0ms",
            ])
    }

    @Test(arguments: [
        ("1763733787000", 1_763_733_787_000), ("2025-11-21T14:03:07Z", 1_763_733_787_000),
        ("2025-11-21T14:03:07.250Z", 1_763_733_787_250), ("2025-11-21T15:03:07+01:00", 1_763_733_787_000),
        ("2025-11-21 09:33:07-04:30", 1_763_733_787_000), ("2025-11-21T14:03:07.1239z", 1_763_733_787_123),
        ("1970-01-01T00:00Z", 0),
    ])
    func timesWithAZoneAreThatInstant(text: String, milliseconds: Int64) {
        #expect(PointInTime(text)?.milliseconds == milliseconds)
    }

    @Test func timesWithoutAZoneAreLocal() throws {
        let time = try #require(PointInTime("2025-07-01 12:30:15"))
        #expect(TimeText.local(time.milliseconds) == "2025-07-01 12:30:15")
        #expect(TimeText.local(try #require(PointInTime("2025-01-01")).milliseconds) == "2025-01-01 00:00:00")
    }

    @Test(arguments: [
        "", "now", "2025-13-01", "2025-06-31", "2025-02-30 10:00", "2025-11-21T25:00", "2025-11-21T14:03:07+1",
        "2025-11-21T14:03:07Zx", "25-11-21", "2025-11-21 14", "-5", "1969-12-31T23:59:59Z", "99999999999999999999",
    ])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(PointInTime(text) == nil)
    }

    @Test(arguments: [
        ("max_attempts=5", "max_attempts", "5"), ("max-attempts=5", "max_attempts", "5"),
        ("lease=45s", "lease_ms", "45000"), ("lease_ms=45000", "lease_ms", "45000"),
        ("keep=7d", "keep_ms", "604800000"),
        ("aging=default", "aging_ms", "null"), ("order=lifo", "order", "\"lifo\""),
        ("backoff=fixed:2s", "backoff", #"{"kind":"fixed","base_ms":2000}"#),
        (
            "backoff=exponential:1s:1h:0.5", "backoff",
            #"{"kind":"exponential","base_ms":1000,"max_ms":3600000,"jitter":0.5}"#
        ),
        (#"backoff={"kind":"linear"}"#, "backoff", #"{"kind":"linear"}"#),
        ("dead-keep=90d", "dead_keep_ms", "7776000000"),
    ])
    func rulesOfAQueueGetTheNamesAndUnitsOfTheProtocol(text: String, member: String, json: String) throws {
        let change = try #require(PolicyChange(argument: text))
        #expect(change.member == member)
        #expect(String(decoding: change.json, as: UTF8.self) == json)
    }

    @Test(arguments: [
        "", "lease", "lease=", "lease=x", "nonsense=1", "max_attempts_ms=5", "backoff=fixed:x", "max_len=a b",
    ])
    func whatIsNoRuleIsRefused(text: String) {
        #expect(PolicyChange(argument: text) == nil)
    }

    @Test func everyRuleOfTheProtocolHasAKey() {
        let members = OperationTable.operations.filter { $0.name == .configure }.flatMap(\.members.members).map(\.name)
            .filter {
                !["queue", "create", "op", "id"].contains($0)
            }
        let keys = PolicyChange.keys.compactMap { PolicyChange(argument: "\($0)=default")?.member }
        #expect(Set(members) == Set(keys))
    }

    @Test func textIsFoundAnywhereAndAPatternStandsForTheWhole() {
        #expect(TextPattern(argument: "TIME").matches("IOError: timeout"))
        #expect(TextPattern(argument: "*: timeout").matches("IOError: Timeout"))
        #expect(!TextPattern(argument: "*: time").matches("IOError: timeout"))
        #expect(TextPattern(argument: "a?c*").matches("abcd"))
        #expect(TextPattern(argument: "").matches("anything") && !TextPattern(argument: "x").matches(""))
    }

    @Test func eventsBeginSoLongAgoAtATimeOrBehindAnEvent() throws {
        let now: Int64 = 1_763_733_787_000
        #expect(EventStart(argument: "10s")?.eventID(now: now).milliseconds == 1_763_733_776_999)
        #expect(EventStart(argument: "1763733787000")?.eventID(now: 0).milliseconds == 1_763_733_786_999)
        #expect(EventStart(argument: "2025-11-21T14:03:07Z")?.eventID(now: 0).milliseconds == 1_763_733_786_999)
        #expect(EventStart(argument: "1763680000123-4")?.eventID(now: 0).description == "1763680000123-4")
        #expect(EventID(EventStart.before(now).description) == EventStart.before(now))
        #expect(EventStart(argument: "yesterday") == nil)
    }

    // MARK: Progress

    @Test func progressBarFitsTheColumnsWhateverTheyAre() {
        let line = { (columns: Int) in
            ProgressBar.line("replaying email", done: 150, total: 500, elapsedMs: 2_000, columns: columns)
        }
        #expect(line(80) == "replaying email  [########---------------------]  30 %  150/500  75/s  4 s left")
        for columns in 1...200 { #expect(line(columns).count < columns) }
        #expect(line(64) == "replaying email  [###----------]  30 %  150/500  75/s  4 s left")
        #expect(line(40) == "replaying email  30 %  150/500  75/s  4")
    }

    @Test func progressIsSaidFromTheStartToTheEnd() {
        let line = { (done: Int64, total: Int64?) in
            ProgressBar.line("x", done: done, total: total, elapsedMs: 0, columns: 40)
        }
        #expect(line(0, 10) == "x  [-----------------------]  0 %  0/10")
        #expect(line(10, 10) == "x  [####################]  100 %  10/10")
        #expect(line(20, 10) == "x  [####################]  100 %  20/10")
        #expect(line(0, 0) == "x  [######################]  100 %  0/0")
        #expect(line(7, nil) == "x  7")
        #expect(
            ProgressBar.line("x", done: 7, total: nil, share: 0.5, unit: "jobs", elapsedMs: 1_000, columns: 80)
                == "x  [####################--------------------]  50 %  7  7 jobs/s  1 s left")
    }

    @Test func paceHandsOutATenthOfASecond() {
        #expect(Pace(perSecond: nil).step(of: 10_000, atMost: 500) == 500)
        #expect(Pace(perSecond: 45).step(of: 10_000, atMost: 500) == 5)
        #expect(Pace(perSecond: 0.5).step(of: 10_000, atMost: 500) == 1)
        #expect(Pace(perSecond: 1e6).step(of: 3, atMost: 500) == 3)
    }

    @Test func statsLineShowsRatesOfTheTimeSinceTheLineBefore() throws {
        let reply = { (enqueued: Int) in
            try JSONDocument(#"{"totals":{"enqueued":\#(enqueued)},"depth":{"queued":3}}"#)
        }
        let line = { (before: JSONDocument?) in
            try StatsLine.text(reply(150), before: before, elapsedMs: 2_000).split(separator: " ")
        }
        #expect(try line(nil) == ["3", "0", "0", "0", "0", "150", "0", "0", "0", "0", "0"])
        #expect(try line(reply(100))[5] == "25")
        #expect(try line(reply(149))[5] == "0.5")
        #expect(StatsLine.heading.split(separator: " ").count == 11)
    }
}
