// `strategy` and `weights` of a claim, also as `next`.

import Testing
import Wire

@Suite struct WeightedClaimDecodingTests {
    private func claim(_ members: String) throws -> ClaimBody {
        guard case .claim(let body) = try decode(#"{"op":"claim","# + members + "}").operation else {
            throw UnexpectedlyAccepted()
        }
        return body
    }

    @Test func aClaimIsStrictAndHasNoWeights() throws {
        for members in ["", #","strategy":"strict""#, #","strategy":null,"weights":null"#] {
            let body = try claim(#""queues":["a","b"]"# + members)
            #expect(body.strategy == .strict && body.weights == [])
        }
    }

    @Test func aWeightedClaimHasAWeightForEachQueue() throws {
        #expect(try claim(#""queues":["a","b","c"],"strategy":"weighted""#).weights == [1, 1, 1])
        #expect(try claim(#""queues":["a","b","c"],"strategy":"weighted","weights":{}"#).weights == [1, 1, 1])
        let body = try claim(#""weights": { "c" : 1000 , "\u0061":7 } ,"strategy":"weighted","queues":["a","b","c"]"#)
        #expect(body.strategy == .weighted && body.weights == [7, 1, 1000])
        #expect(try claim(#""queue":"a","strategy":"weighted","weights":{"a":5}"#).weights == [5])
    }

    @Test func nextMayBeWeighted() throws {
        let line =
            #"{"op":"complete","job":"a/1","token":"t","next":{"queues":["a","b"],"strategy":"weighted","weights":{"b":3}}}"#
        guard case .complete(let body) = try decode(line).operation else { throw UnexpectedlyAccepted() }
        #expect(body.next?.strategy == .weighted && body.next?.weights == [1, 3])
        try expectBadRequest(
            line.replacing("\"b\":3", with: "\"x\":3"), field: "next.weights",
            #"next.weights has "x", which is not among the queues"#)
    }

    @Test(arguments: [
        (#"{"c":1}"#, #"weights has "c", which is not among the queues"#),
        (#"{"a":1,"a":2}"#, #"weights has "a" twice"#), (#"{"a":1,"\u0061":1}"#, #"weights has "a" twice"#),
        (#"{"\u0000\"":1}"#, #"weights has "\u{0}\"", which is not among the queues"#),
    ])
    func weightsAreForQueuesOfTheClaim(value: String, message: String) throws {
        try expectBadRequest(
            #"{"op":"claim","queues":["a","b"],"strategy":"weighted","weights":"# + value + "}", field: "weights",
            message)
    }

    @Test(arguments: [
        #"{"a":0}"#, #"{"a":1001}"#, #"{"a":1.0}"#, #"{"a":"1"}"#, #"{"a":null}"#, #"{"a":-1}"#, "[1,2]", "5",
    ])
    func aWeightIsFromOneToAThousand(value: String) throws {
        try expectBadRequest(
            #"{"op":"claim","queues":["a","b"],"strategy":"weighted","weights":"# + value + "}", field: "weights",
            "weights must be an object that has an integer from 1 to 1000 for some of the queues")
    }

    @Test func weightsNeedTheStrategy() throws {
        for strategy in ["", #","strategy":"strict""#] {
            try expectBadRequest(
                #"{"op":"claim","queue":"a","weights":{"a":1}"# + strategy + "}", field: "weights",
                #"weights must stand beside strategy "weighted""#)
        }
    }

    @Test func aLongForeignNameIsCut() throws {
        let long = String(repeating: "y", count: 10_000)
        let shown = String(repeating: "y", count: 40) + "..."
        try expectBadRequest(
            "{\"op\":\"claim\",\"queue\":\"a\",\"strategy\":\"weighted\",\"weights\":{\"\(long)\":1}}",
            field: "weights",
            "weights has \"\(shown)\", which is not among the queues")
    }
}
