// The form with `jobs`: up to a thousand items, each checked as if it stood alone, refusals with its index.

import Testing
import Wire

@Suite struct ManyFormTests {
    private let operations: [(op: String, item: String)] = [
        ("enqueue", #"{"queue":"a"}"#), ("complete", #"{"job":"a/1","token":"t"}"#),
        ("fail", #"{"job":"a/1","token":"t"}"#), ("extend", #"{"job":"a/1","token":"t"}"#),
        ("release", #"{"job":"a/1","token":"t"}"#),
    ]

    private func many(_ op: String, _ items: [String], _ rest: String = "") -> String {
        "{\"op\":\"\(op)\",\"jobs\":[\(items.joined(separator: " , "))]\(rest)}"
    }

    private func count(_ operation: Operation) -> Int? {
        switch operation {
        case .enqueue(let body): body.isMany ? body.jobs.count : nil
        case .complete(let body): body.isMany ? body.items.count : nil
        case .fail(let body): body.isMany ? body.items.count : nil
        case .extend(let body): body.isMany ? body.items.count : nil
        case .release(let body): body.isMany ? body.items.count : nil
        default: nil
        }
    }

    @Test func oneToAThousandItems() throws {
        for (op, item) in operations {
            for size in [1, 2, 1000] {
                let operation = try decode(many(op, Array(repeating: item, count: size))).operation
                #expect(count(operation) == size)
            }
            let message = "jobs must be an array of 1 to 1000 objects"
            try expectBadRequest(many(op, Array(repeating: item, count: 1001)), field: "jobs", message)
            try expectBadRequest(many(op, []), field: "jobs", message)
            try expectBadRequest("{\"op\":\"\(op)\",\"jobs\":\(item)}", field: "jobs", message)
        }
    }

    @Test func itemsAreReadInOrder() throws {
        let items = (0..<5).map { "{\"queue\":\"q\($0)\",\"payload\":[\($0)],\"priority\":\($0)}" }
        guard case .enqueue(let body) = try decode(many("enqueue", items)).operation else {
            throw UnexpectedlyAccepted()
        }
        #expect(body.jobs.map { $0.queue } == ["q0", "q1", "q2", "q3", "q4"])
        #expect(body.jobs.map { $0.priority } == [0, 1, 2, 3, 4])
        #expect(body.jobs[3].payload == "[3]".bytes)
    }

    @Test func nothingOfOneItemLeaksIntoTheNext() throws {
        let items = [#"{"queue":"a","priority":5,"delay_ms":1,"payload":7,"backoff":{}}"#, #"{"queue":"b"}"#]
        guard case .enqueue(let body) = try decode(many("enqueue", items)).operation else {
            throw UnexpectedlyAccepted()
        }
        #expect(body.jobs[1].priority == 0)
        #expect(body.jobs[1].delayMs == nil)
        #expect(body.jobs[1].payload == "null".bytes)
        #expect(body.jobs[1].backoff == nil)
    }

    @Test func aBadItemIsNamedByIndexAndField() throws {
        let good = #"{"queue":"a"}"#
        let bad: [(String, String, String)] = [
            (#"{"queue":"a","priority":101}"#, "priority", "priority must be an integer from -100 to 100"),
            (#"{"payload":1}"#, "queue", "queue is missing"),
            (#"{"queue":"a","prio":1}"#, "prio", #"unknown member "prio"; did you mean "priority"?"#),
            (#"{"queue":"a","queue":"b"}"#, "queue", "queue is there twice"),
            (
                #"{"queue":"a","backoff":{"kind":5}}"#, "backoff.kind",
                #"backoff.kind must be one of "exponential", "linear", "fixed""#
            ),
            (#"{"queue":"a","jobs":[]}"#, "jobs", #"unknown member "jobs""#),
            (#"{"queue":"a","op":"enqueue"}"#, "op", #"unknown member "op""#),
            ("5", "jobs", "jobs must have objects only"), ("null", "jobs", "jobs must have objects only"),
        ]
        for (item, field, message) in bad {
            for index in [0, 3] {
                let items = Array(repeating: good, count: index) + [item, good]
                try expectBadRequest(many("enqueue", items), field: field, message, index: index)
            }
        }
    }

    @Test func theIDIsEchoedWithABadItem() throws {
        let error = try refusal(many("complete", [#"{"job":"a/1"}"#], ",\"id\":\"x\""))
        #expect(error.id == "\"x\"".bytes)
        #expect(error.error.index == 0)
        #expect(error.error.field == "token")
    }

    @Test func anItemsMembersMayNotStandBesideJobs() throws {
        try expectBadRequest(
            many("enqueue", [#"{"queue":"a"}"#], #","queue":"b""#), field: "queue", "queue must not stand beside jobs")
        try expectBadRequest(
            many("enqueue", [#"{"queue":"a"}"#], #","payload":null"#), field: "payload",
            "payload must not stand beside jobs")
        for (op, item) in operations.dropFirst() {
            try expectBadRequest(
                many(op, [item], #","token":"t""#), field: "token", "token must not stand beside jobs")
        }
    }

    @Test func nextStandsBesideJobs() throws {
        let item = #"{"job":"a/1","token":"t"}"#
        guard case .complete(let complete) = try decode(many("complete", [item], #","next":{"queue":"a"}"#)).operation,
            case .fail(let fail) = try decode(many("fail", [item, item], #","next":{"queue":"b","max":5}"#)).operation
        else { throw UnexpectedlyAccepted() }
        #expect(complete.next?.queues == ["a"])
        #expect(fail.next?.max == 5)
        #expect(fail.items.count == 2)
        try expectBadRequest(
            many("complete", [#"{"job":"a/1","token":"t","next":{"queue":"a"}}"#]), field: "next",
            #"unknown member "next""#, index: 0)
    }

    @Test func nullJobsCountAsAbsent() throws {
        #expect(count(try decode(#"{"op":"enqueue","queue":"a","jobs":null}"#).operation) == nil)
    }
}
