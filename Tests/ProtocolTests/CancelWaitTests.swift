// `cancel_wait`: a waiting claim or wait of the same connection ends at once, and no job is lost by it.

import Harness
import Testing

@Suite(.stage, .timeLimit(.minutes(1))) struct CancelWaitTests {
    @Test(arguments: Backend.allCases)
    func aWaitingClaimEndsAndTheNextJobIsForOthers(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        try client.startWaiting(queue)
        try client.send(["op": "cancel_wait", "id": "c", "target": 1])
        let ended = try client.receive()
        #expect(ended["id"] == 1)
        #expect(ended["error"]["code"] == "cancelled")
        #expect(ended["error"]["retryable"] == false)
        #expect(try client.receive() == ["id": "c", "ok": true, "cancelled": true])
        try client.enqueue(queue)
        let claimed = try backend.connect().claimOne(queue)
        #expect(claimed["attempt"] == 1)
    }

    @Test(arguments: Backend.allCases)
    func aWaitForAJobEnds(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        let job = try client.enqueue(queue)
        try client.send(["op": "wait", "id": "w", "job": JSON(job), "wait_ms": 60_000])
        try client.send(["op": "cancel_wait", "target": "w"])
        let ended = try client.receive()
        #expect(ended["id"] == "w")
        #expect(ended["error"]["code"] == "cancelled")
        #expect(try client.receive()["cancelled"] == true)
        #expect(try client.call("cancel_wait", ["target": "w"])["cancelled"] == false)
        try client.complete(client.claimOne(queue))
    }

    @Test(arguments: Backend.allCases)
    func aClaimThatIsUnderWayGivesItsJobsBack(on backend: Backend) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        for _ in 0..<30 {
            let job = try client.enqueue(queue)
            // In one write: the claim is not answered yet when its end is asked for.
            try client.sendRaw(
                "{\"op\":\"claim\",\"id\":1,\"queue\":\"\(queue)\",\"wait_ms\":60000}\n"
                    + "{\"op\":\"cancel_wait\",\"id\":2,\"target\":1}\n")
            let ended = try client.receive()
            #expect(ended["id"] == 1)
            #expect(ended["error"]["code"] == "cancelled")
            #expect(try client.receive()["cancelled"] == true)
            let claimed = try client.claimOne(queue)
            #expect(claimed["job"] == JSON(job))
            #expect(claimed["attempt"] == 1)
            try client.complete(claimed)
        }
        try expectConservation(client, queue)
    }

    @Test(arguments: Backend.allCases, ["complete", "fail"])
    func onlyTheClaimOfANextEnds(on backend: Backend, _ operation: String) throws {
        let (client, queue) = (try backend.connect(), freshQueue())
        try client.enqueue(queue)
        var request = try LineClient.proof(client.claimOne(queue))
        request["op"] = JSON(operation)
        request["id"] = 9
        request["next"] = ["queue": JSON("\(queue)-empty"), "wait_ms": 60_000]
        try client.send(request)
        let cancelled = try client.request(["op": "cancel_wait", "target": 9])
        // Either may be written first: the reply also needs the store's answer.
        let other = try client.receive()
        let (reply, ended) = cancelled["id"] == 9 ? (cancelled, other) : (other, cancelled)
        #expect(ended["cancelled"] == true)
        #expect(reply["id"] == 9)
        #expect(reply["ok"] == true)
        #expect(reply["state"] == (operation == "complete" ? "completed" : "retrying"))
        #expect(reply["jobs"] == [])
    }

    @Test(arguments: Backend.allCases)
    func onlyThatVeryIdIsEnded(on backend: Backend) throws {
        let (client, other, queue) = (try backend.connect(), try backend.connect(), freshQueue())
        try client.startWaiting(queue)
        try other.startWaiting(queue)
        for target: JSON in ["1", 2, "one"] {
            #expect(try client.call("cancel_wait", ["target": target])["cancelled"] == false)
        }
        // A request without an id, and one that does not wait, cannot be meant.
        try client.send(["op": "cancel_wait", "target": 1])
        #expect(try client.receive()["error"]["code"] == "cancelled")
        #expect(try client.receive()["cancelled"] == true)
        try client.enqueue(queue)
        #expect(try other.receive()["jobs"].array.count == 1)
    }

    @Test(arguments: [
        (#"{"op":"cancel_wait"}"#, "target"), (#"{"op":"cancel_wait","target":null}"#, "target"),
        (#"{"op":"cancel_wait","target":1.5}"#, "target"), (#"{"op":"cancel_wait","target":[1]}"#, "target"),
        (#"{"op":"cancel_wait","target":1,"job":"q/1"}"#, "job"),
    ]) func whatIsNoTargetIsRefused(_ line: String, _ field: String) throws {
        let reply = try Backend.memory.connect().request(text: line)
        #expect(reply["error"]["code"] == "bad_request", "\(reply)")
        #expect(reply["error"]["field"] == JSON(field), "\(reply)")
    }
}
