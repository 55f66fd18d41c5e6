// Requests with a byte changed, lost or doubled, in large numbers: each line gets exactly one reply that is a proper one, the
// daemon lives on, and what it stores stays consistent. Deeper fuzzing of the decoder alone is elsewhere; this is about
// the whole daemon.

import Foundation
import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct MutationTests {
    private static let requests = [
        #"{"op":"enqueue","id":1,"queue":"m","payload":{"a":[1,2.5e3,"\u00e4",null]},"type":"t","priority":-5,"front":true}"#,
        #"{"op":"enqueue","id":2,"jobs":[{"queue":"m","job_id":"x1","delay_ms":5},{"queue":"n","backoff":{"kind":"linear","base_ms":10,"max_ms":99,"jitter":0.25}}]}"#,
        #"{"op":"claim","id":"c","queues":["m","n"],"wait_ms":1,"max":3,"lease_ms":100,"strategy":"strict"}"#,
        #"{"op":"complete","id":4,"job":"m/x1","token":"1-a","result":[true,{"k":"v"}],"next":{"queue":"m","max":2}}"#,
        #"{"op":"fail","id":5,"jobs":[{"job":"m/x1","token":"1-a","error":{"type":"T","message":"M"},"retry":false}]}"#,
        #"{"op":"extend","id":6,"job":"n/y","token":"2-b","lease_ms":1000,"progress":0.5}"#,
        #"{"op":"release","id":7,"job":"n/y","token":"2-b","delay_ms":20}"#,
        #"{"op":"hello","id":8,"protocol":1,"worker":"w","push":false,"on_disconnect":"keep","grace_ms":0}"#,
        #"{"op":"list","id":9,"queue":"m","state":"dead","limit":5,"cursor":"12 a","type":"t"}"#,
        #"{"op":"requeue","id":10,"queue":"m","state":"retrying","limit":9,"dry_run":true}"#,
        #"{"op":"pause","id":11,"queue":"n","until":1,"create":true}"#, #"{"op":"resume","id":12,"queue":"n"}"#,
        #"{"op":"stats","id":13,"queue":"m"}"#, #"{"op":"reclaim","id":14}"#, #"{"op":"ping","id":15,"store":true}"#,
        #"{"op":"enqueue","id":16,"queue":"m","unique":{"key":"k","until":"claimed","ttl_ms":50},"expires_in_ms":9}"#,
        #"{"op":"extend","id":17,"job":"m/x1","token":"1-a","checkpoint":{"row":1},"log":"row \u0031"}"#,
        #"{"op":"claim","id":18,"queues":["m","n"],"strategy":"weighted","weights":{"m":3,"n":1}}"#,
        #"{"op":"publish","id":19,"topic":"t","payload":[1],"job_id":"p1"}"#,
        #"{"op":"bind","id":20,"topic":"t","queue":"m"}"#, #"{"op":"unbind","id":21,"topic":"t","queue":"m"}"#,
        #"{"op":"topics","id":22}"#, #"{"op":"delete","id":23,"job":"m/x1"}"#,
        #"{"op":"purge","id":24,"queue":"m","state":"expired","older_than_ms":1,"limit":3,"dry_run":false}"#,
        #"{"op":"configure","id":25,"queue":"n","create":true,"max_len":9,"order":"lifo","aging_ms":5,"keep_count":3,"dead_keep_ms":99}"#,
        #"{"op":"configure","id":26,"queue":"n","max_len":null,"order":null,"backoff":{"kind":"fixed"}}"#,
        #"{"op":"cancel","id":27,"job":"m/x1","reason":"no"}"#, #"{"op":"wait","id":28,"job":"m/x1","wait_ms":1}"#,
        #"{"op":"cancel_wait","id":29,"target":"c"}"#, #"{"op":"check","id":30,"queue":"m","repair":true}"#,
        // Not here: `unsubscribe`, which is two bytes from `subscribe`, and that keeps a connection open.
        #"{"op":"workers","id":31}"#,
    ]

    @Test(arguments: Backend.allCases)
    func damagedRequestsGetOneProperReplyEachAndDoNoHarm(on backend: Backend) throws {
        let seed = UInt64.random(in: 0...UInt64(UInt32.max))
        print("damagedRequests: seed \(seed)")
        var random = Generator(state: seed)
        let redis = try RedisServer()
        let daemon = try Daemon(backend == .redis ? .redis(redis) : .memory)
        for _ in 0..<60 {
            let client = try daemon.connect()
            let lines = (0..<200).map { _ in damaged(&random) }
            try client.sendRaw(Array(lines.joined(separator: [10])) + [10])
            client.shutdownWrite()
            let replies = try client.readToEnd(within: 20)
            #expect(replies.count == lines.count { !isBlank($0) })
            for text in replies {
                let reply = try JSON(parsing: text.utf8)
                let error = reply["error"]
                #expect(reply["ok"].bool == error.isNull, "\(text)")
                #expect(error["code"] != "internal", "\(text)")
                if !error.isNull {
                    #expect(error["message"].string != nil && error["retryable"].bool != nil, "\(text)")
                }
            }
        }
        let verdict = try daemon.connect().call("check")
        #expect(verdict["violations_total"] == 0, "\(verdict)")
        if backend == .redis {
            let violations = try InvariantChecker.violations(in: redis)
            #expect(violations.isEmpty, "\(violations.prefix(10))")
        }
    }

    private func isBlank(_ line: [UInt8]) -> Bool { line.isEmpty || line == [13] }

    /// One of the requests with up to three bytes changed; never with a line end in it.
    private func damaged(_ random: inout Generator) -> [UInt8] {
        var line = Array(Self.requests.randomElement(using: &random)!.utf8)
        for _ in 0..<Int.random(in: 0...3, using: &random) where !line.isEmpty {
            let place = Int.random(in: 0..<line.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: line[place] = UInt8.random(in: 0...255, using: &random)
            case 1: line.remove(at: place)
            case 2: line.insert(line[place], at: place)
            case 3: line[place] = Array("{}[]\",:0129-.eE\\u tfn/".utf8).randomElement(using: &random)!
            default: line.removeSubrange(place..<min(line.count, place + Int.random(in: 1...8, using: &random)))
            }
        }
        return line.filter { $0 != 10 }
    }

    /// SplitMix64, for runs that can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }
}
