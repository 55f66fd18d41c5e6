// `subscribe` and `unsubscribe`: patterns, kinds of events, and where to begin.

import Testing
import Wire

@Suite struct SubscribeDecodingTests {
    private func subscribe(_ members: String) throws -> SubscribeBody {
        guard case .subscribe(let body) = try decode(#"{"op":"subscribe""# + members + "}").operation else {
            throw UnexpectedlyAccepted()
        }
        return body
    }

    @Test func aPlainSubscriptionIsForEverythingFromNowOn() throws {
        let body = try subscribe("")
        #expect(body.queues == [.all])
        #expect(body.events == EventKind.allCases)
        #expect(body.since == nil)
        #expect(try subscribe(#","queues":null,"events":null,"since":null"#) == body)
    }

    @Test func aSubscriptionTakesPatternsKindsAndAPlace() throws {
        let body = try subscribe(
            #","queues":["email","rep\u006frt.*","?"],"events":["dead","completed"],"since":"17-3""#)
        #expect(body.queues.map { $0.pattern } == ["email", "report.*", "?"])
        #expect(body.events == [.dead, .completed])
        #expect(body.since == EventID(milliseconds: 17, number: 3))
        #expect(try subscribe(#","since":"17""#).since == EventID(milliseconds: 17, number: 0))
    }

    @Test func everyKindMayBeAskedForAlone() throws {
        for kind in EventKind.allCases { #expect(try subscribe(",\"events\":[\"\(kind.rawValue)\"]").events == [kind]) }
        let all = EventKind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " , ")
        #expect(try subscribe(",\"events\":[ \(all) ]").events == EventKind.allCases)
        #expect(EventKind.allCases.count == 10)
    }

    @Test(arguments: [
        "[]", "{}", "5", #""email""#, "[5]", "[null]", #"["*","*"]"#, #"[""]"#, #"["a b"]"#, #"["[ab]"]"#, #"["a/b"]"#,
        #"["\u00e9"]"#, #"[["a"]]"#, "[\"\(String(repeating: "a", count: 65))\"]",
        "[" + (0...64).map { "\"q\($0)\"" }.joined(separator: ",") + "]",
    ])
    func queuesAreUpTo64DifferentPatterns(value: String) throws {
        try expectBadRequest(
            #"{"op":"subscribe","queues":"# + value + "}", field: "queues",
            "queues must be an array of 1 to 64 different patterns, each 1 to 64 of A-Z a-z 0-9 _ . - * ?")
    }

    @Test func sixtyFourPatternsAreTaken() throws {
        #expect(
            try subscribe(",\"queues\":[" + (0..<64).map { "\"q\($0)*\"" }.joined(separator: ",") + "]").queues.count
                == 64)
    }

    @Test(arguments: [
        "[]", "{}", #""dead""#, "[5]", "[null]", #"["dead","dead"]"#, #"["Dead"]"#, #"["failed"]"#, #"["queued"]"#,
        #"[""]"#,
        #"["dead",["dead"]]"#,
    ])
    func eventsAreDifferentWords(value: String) throws {
        try expectBadRequest(
            #"{"op":"subscribe","events":"# + value + "}", field: "events",
            #"events must be an array of 1 to 10 different words of "enqueued", "claimed", "completed", "retrying", "#
                + #""dead", "cancelled", "expired", "reclaimed", "released", "deleted""#)
    }

    @Test(arguments: [
        #""""#, #""now""#, #""5-""#, #""-5""#, #""5-5-5""#, "5", "[]", #""$""#, #""1000000000000000000-0""#,
    ])
    func sinceIsThePlaceOfAnEvent(value: String) throws {
        try expectBadRequest(
            #"{"op":"subscribe","since":"# + value + "}", field: "since",
            #"since must be an event's seq, as in "1763680000123-0""#)
    }

    @Test func unsubscribeTakesNothing() throws {
        guard case .unsubscribe = try decode(#"{"op":"unsubscribe"}"#).operation else { throw UnexpectedlyAccepted() }
        try expectBadRequest(#"{"op":"unsubscribe","queues":["a"]}"#, field: "queues", #"unknown member "queues""#)
    }
}
