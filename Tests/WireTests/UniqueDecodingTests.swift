// `unique` and `expires_in_ms` of a job to enqueue.

import Testing
import Wire

@Suite struct UniqueDecodingTests {
    private func enqueue(_ members: String) throws -> EnqueueItem {
        guard case .enqueue(let body) = try decode(#"{"op":"enqueue","queue":"q","# + members + "}").operation else {
            throw UnexpectedlyAccepted()
        }
        return body.jobs[0]
    }

    @Test func aKeyIsHeldUntilTheJobIsDoneUnlessItSaysOtherwise() throws {
        let plain = try enqueue(#""unique":{"key":"k"}"#).unique
        #expect(plain?.key == "k" && plain?.until == .done && plain?.ttlMs == nil)
        let full = try enqueue(#""unique":{"ttl_ms":31536000000,"until":"claimed","key":"a\u00e9 {b}:*"}"#).unique
        #expect(full?.key == "a\u{E9} {b}:*" && full?.until == .claimed && full?.ttlMs == 31_536_000_000)
        #expect(try enqueue(#""unique":{"key":"k","until":null,"ttl_ms":null}"#).unique == plain)
        #expect(try enqueue(#""unique":null"#).unique == nil)
    }

    @Test func aKeyHas1To256Bytes() throws {
        let longest = String(repeating: "k", count: 256)
        #expect(try enqueue("\"unique\":{\"key\":\"\(longest)\"}").unique?.key == longest)
        for value in [#""""#, "\"k\(longest)\"", #""a\nb""#, #""\u0000""#, "5", "null"] {
            let message =
                value == "null" ? "is missing" : "must be a string of 1 to 256 bytes without control characters"
            try expectBadRequest(
                "{\"op\":\"enqueue\",\"queue\":\"q\",\"unique\":{\"key\":\(value)}}", field: "unique.key",
                "unique.key \(message)")
        }
    }

    @Test(arguments: [
        (#""unique":"k""#, "unique", "unique must be an object"),
        (#""unique":{}"#, "unique.key", "unique.key is missing"),
        (#""unique":{"key":"k","until":"dead"}"#, "unique.until", #"unique.until must be one of "done", "claimed""#),
        (
            #""unique":{"key":"k","ttl_ms":0}"#, "unique.ttl_ms",
            "unique.ttl_ms must be an integer from 1 to 31536000000"
        ),
        (
            #""unique":{"key":"k","ttl_ms":31536000001}"#, "unique.ttl_ms",
            "unique.ttl_ms must be an integer from 1 to 31536000000"
        ),
        (#""unique":{"key":"k","ttl":5}"#, "unique.ttl", #"unknown member "unique.ttl"; did you mean "ttl_ms"?"#),
        (#""unique":{"key":"k","key":"l"}"#, "unique.key", "unique.key is there twice"),
        (#""unique":{"key":"k","queue":"q"}"#, "unique.queue", #"unknown member "unique.queue""#),
        (#""expires_in_ms":0"#, "expires_in_ms", "expires_in_ms must be an integer from 1 to 315360000000"),
    ])
    func aWrongOneIsNamed(members: String, field: String, message: String) throws {
        try expectBadRequest(#"{"op":"enqueue","queue":"q","# + members + "}", field: field, message)
        try expectBadRequest(
            #"{"op":"enqueue","jobs":[{"queue":"q"},{"queue":"q","# + members + "}]}", field: field, message, index: 1)
    }

    @Test func anExpiryIsUpToTenYears() throws {
        #expect(try enqueue(#""expires_in_ms":315360000000"#).expiresInMs == 315_360_000_000)
        #expect(try enqueue(#""expires_in_ms":1,"delay_ms":5"#).expiresInMs == 1)
        #expect(try enqueue(#""payload":1"#).expiresInMs == nil)
    }

    @Test func theyAreMembersOfAnItemNotOfTheList() throws {
        for member in [#""unique":{"key":"k"}"#, #""expires_in_ms":5"#] {
            let name = String(member.dropFirst().prefix { $0 != "\"" })
            try expectBadRequest(
                #"{"op":"enqueue","jobs":[{"queue":"q"}],"# + member + "}", field: name,
                "\(name) must not stand beside jobs")
        }
    }
}
