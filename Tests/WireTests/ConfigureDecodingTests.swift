// `configure`: every setting can be left out, set, and put back by null.

import Testing
import Wire

@Suite struct ConfigureDecodingTests {
    private func configure(_ members: String) throws -> ConfigureBody {
        guard case .configure(let body) = try decode(#"{"op":"configure","queue":"q""# + members + "}").operation else {
            throw UnexpectedlyAccepted()
        }
        return body
    }

    /// Which settings say what, by their members' names.
    private func said(_ body: ConfigureBody) -> [String: String] {
        let all = [
            "max_attempts": "\(body.maxAttempts)", "lease_ms": "\(body.leaseMs)", "backoff": "\(body.backoff)",
            "keep_ms": "\(body.keepMs)", "keep_count": "\(body.keepCount)", "dead_keep_ms": "\(body.deadKeepMs)",
            "dead_keep_count": "\(body.deadKeepCount)", "max_len": "\(body.maxLen)", "order": "\(body.order)",
            "aging_ms": "\(body.agingMs)",
        ]
        return all.filter { $0.value != "unchanged" }
    }

    private let settings = [
        "max_attempts", "lease_ms", "backoff", "keep_ms", "keep_count", "dead_keep_ms", "dead_keep_count", "max_len",
        "order", "aging_ms",
    ]

    @Test func whatIsLeftOutStays() throws {
        let body = try configure("")
        #expect(body.queue == "q")
        #expect(said(body) == [:])
    }

    @Test func nullPutsOneBack() throws {
        for name in settings { #expect(try said(configure(",\"\(name)\":null")) == [name: "reset"], "\(name)") }
        let all = settings.map { "\"\($0)\":null" }.joined(separator: ",")
        #expect(try said(configure("," + all)).count == settings.count)
    }

    @Test func everySettingTakesItsValue() throws {
        let body = try configure(
            """
            ,"max_attempts":7,"lease_ms":100,"backoff":{"kind":"fixed","base_ms":5,"max_ms":6,"jitter":0.25},"keep_ms":0,
            "keep_count":10000000,"dead_keep_ms":315360000000,"dead_keep_count":0,"max_len":1000000000,"order":"lifo",
            "aging_ms":86400000
            """)
        #expect(body.maxAttempts == .set(7) && body.leaseMs == .set(100) && body.keepMs == .set(0))
        #expect(body.keepCount == .set(10_000_000) && body.deadKeepMs == .set(315_360_000_000))
        #expect(body.deadKeepCount == .set(0) && body.maxLen == .set(1_000_000_000))
        #expect(body.order == .set(.lifo) && body.agingMs == .set(86_400_000))
        guard case .set(let backoff) = body.backoff else { throw UnexpectedlyAccepted() }
        #expect(backoff.kind == "fixed" && backoff.baseMs == 5 && backoff.maxMs == 6 && backoff.jitter == 0.25)
    }

    @Test func oneSettingLeavesTheOthers() throws {
        #expect(try said(configure(#","max_len":5"#)) == ["max_len": "set(5)"])
        #expect(try said(configure(#","max_len":null,"order":"fifo""#)).keys.sorted() == ["max_len", "order"])
        #expect(try configure(#","max_len":null,"order":"fifo""#).order == .set(.fifo))
    }

    @Test(arguments: [
        (#""max_len":0"#, "max_len", "max_len must be an integer from 1 to 1000000000"),
        (#""order":"random""#, "order", #"order must be one of "fifo", "lifo""#),
        (#""backoff":5"#, "backoff", "backoff must be an object"),
        (#""backoff":{"kind":"x"}"#, "backoff.kind", #"backoff.kind must be one of "exponential", "linear", "fixed""#),
        (#""backoff":{"jitter":2}"#, "backoff.jitter", "backoff.jitter must be a number from 0 to 1"),
        (#""paused":true"#, "paused", #"unknown member "paused""#),
        (#""aging_ms":0"#, "aging_ms", "aging_ms must be an integer from 1 to 86400000"),
        (#""keep_count":-1"#, "keep_count", "keep_count must be an integer from 0 to 10000000"),
        (#""order":"fifo","order":null"#, "order", "order is there twice"),
    ])
    func aWrongSettingIsNamed(members: String, field: String, message: String) throws {
        try expectBadRequest(#"{"op":"configure","queue":"q","# + members + "}", field: field, message)
    }

    @Test func theQueueIsNeeded() throws {
        try expectBadRequest(#"{"op":"configure","max_len":5}"#, field: "queue", "queue is missing")
        try expectBadRequest(#"{"op":"configure","queue":null,"max_len":5}"#, field: "queue", "queue is missing")
    }

    @Test func aSettingIsMappedWithWhatItSays() {
        #expect(Setting.set(2).map { $0 * 2 } == .set(4))
        #expect(Setting<Int>.reset.map { $0 * 2 } == .reset)
        #expect(Setting<Int>.unchanged.map { $0 * 2 } == .unchanged)
    }
}
