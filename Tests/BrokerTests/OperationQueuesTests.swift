// Which queues a request touches: every operation, decoded from a line.

import Testing
import Wire

@testable import Broker

@Suite struct OperationQueuesTests {
    private func targets(_ line: String) throws -> [OperationTarget] {
        try Array(line.utf8).withUnsafeBytes { try Request(line: $0).operation.targets }
    }

    private func queues(_ line: String) throws -> Set<String> {
        let targets = try targets(line)
        #expect(targets.count == 1)
        return Set(
            targets[0].queues.map { scope in
                switch scope {
                case .name(let name): name
                case .pattern(let glob): "~\(glob)"
                }
            })
    }

    @Test(arguments: [
        (#""enqueue","queue":"a""#, ["a"]),
        (#""enqueue","jobs":[{"queue":"a"},{"queue":"b"},{"queue":"a"}]"#, ["a", "b"]),
        (#""get","job":"a/1""#, ["a"]), (#""wait","job":"a/1","wait_ms":1"#, ["a"]), (#""cancel","job":"a/1""#, ["a"]),
        (#""claim","queue":"a""#, ["a"]), (#""claim","queues":["a","b"]"#, ["a", "b"]),
        (#""complete","job":"a/1","token":"t""#, ["a"]),
        (#""complete","jobs":[{"job":"a/1","token":"t"},{"job":"b/1","token":"t"}]"#, ["a", "b"]),
        (#""fail","job":"a/1","token":"t""#, ["a"]), (#""extend","job":"a/1","token":"t""#, ["a"]),
        (#""release","job":"a/1","token":"t""#, ["a"]), (#""subscribe""#, ["~*"]),
        (#""subscribe","queues":["a","b.*"]"#, ["a", "~b.*"]), (#""bind","topic":"t","queue":"a""#, ["a"]),
        (#""unbind","topic":"t","queue":"a""#, ["a"]), (#""list","queue":"a","state":"dead""#, ["a"]),
        (#""stats","queue":"a""#, ["a"]), (#""stats""#, ["~*"]), (#""queues""#, ["~*"]), (#""topics""#, ["~*"]),
        (#""workers""#, ["~*"]), (#""metrics""#, ["~*"]), (#""requeue","job":"a/1""#, ["a"]),
        (#""requeue","queue":"a","state":"dead""#, ["a"]),
        (#""delete","job":"a/1""#, ["a"]), (#""purge","queue":"a","state":"dead""#, ["a"]),
        (#""remove_queue","queue":"a""#, ["a"]),
        (#""pause","queue":"a""#, ["a"]), (#""resume","queue":"a""#, ["a"]), (#""resume","worker":"a""#, []),
        (#""configure","queue":"a""#, ["a"]), (#""reclaim""#, ["~*"]), (#""reclaim","queue":"a""#, ["a"]),
        (#""check""#, ["~*"]), (#""check","queue":"a""#, ["a"]),
        // What is about no queue; the queues of a publish are known to the store only.
        (#""hello""#, []), (#""ping""#, []), (#""info""#, []), (#""unsubscribe""#, []), (#""drain""#, []),
        (#""quiet""#, []), (#""cancel_wait","target":1"#, []), (#""publish","topic":"t""#, []), (#""reload""#, []),
    ])
    func aRequestTouchesTheQueuesItNames(_ members: String, _ expected: [String]) throws {
        #expect(try queues(#"{"op":\#(members)}"#) == Set(expected))
    }

    @Test(arguments: ["complete", "fail"]) func nextIsAClaimToo(op: String) throws {
        let found = try targets(#"{"op":"\#(op)","job":"a/1","token":"t","next":{"queues":["b","c"]}}"#)
        #expect(found.map(\.queues) == [[.name("a")], [.name("b"), .name("c")]])
        #expect(found.map { $0.operation.text.description } == [op, "claim"])
    }
}
