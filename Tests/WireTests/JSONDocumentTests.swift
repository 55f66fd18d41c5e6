// The reader for clients: look-up, kinds, escapes, and values in their own spelling.

import Testing
import Wire

@Suite struct JSONDocumentTests {
    private let reply = """
        {"id":7,"ok":true,"jobs":[{"job":"a/1","attempt":1},{"job":"a/2","payload":{"x" : 1.10}}],"none":null,"n":-1.5}
        """

    @Test func membersAndElementsAreFound() throws {
        let document = try JSONDocument(reply)
        #expect(document["id"]?.integer == 7)
        #expect(document["ok"]?.bool == true)
        #expect(document["jobs"]?[0]?["job"]?.string == "a/1")
        #expect(document["jobs"]?[1]?["job"]?.string == "a/2")
        #expect(document["jobs"]?.array?.count == 2)
        #expect(document["none"]?.isNull == true)
        #expect(document["n"]?.double == -1.5)
        #expect(document.members?.map { $0.name } == ["id", "ok", "jobs", "none", "n"])
    }

    @Test func whatIsNotThereIsNil() throws {
        let document = try JSONDocument(reply)
        #expect(document["nothing"] == nil)
        #expect(document[0] == nil)
        #expect(document["jobs"]?[2] == nil)
        #expect(document["jobs"]?[-1] == nil)
        #expect(document["id"]?["x"] == nil)
        #expect(document["id"]?.string == nil)
        #expect(document["id"]?.bool == nil)
        #expect(document["n"]?.integer == nil)
        #expect(document["jobs"]?.members == nil)
        #expect(document.array == nil)
    }

    @Test func rawIsTheValuesOwnSpelling() throws {
        let document = try JSONDocument(reply)
        #expect(document["jobs"]?[1]?["payload"]?.raw == "{\"x\" : 1.10}".bytes)
        #expect(document["jobs"]?[1]?["payload"]?["x"]?.description == "1.10")
    }

    @Test func emptyContainersHaveNothing() throws {
        #expect(try JSONDocument("[ ]").array?.isEmpty == true)
        #expect(try JSONDocument("{ }").members?.isEmpty == true)
    }

    @Test func escapesAreResolved() throws {
        let text = try JSONDocument("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"").string
        #expect(text == "\"\\/\u{8}\u{C}\n\r\tA\u{E9}\u{20AC}\u{1F600}")
    }

    @Test func escapedNamesAreFound() throws {
        #expect(try JSONDocument("{\"\\u006fp\":1}")["op"]?.integer == 1)
    }

    @Test func loneSurrogatesAreReplaced() throws {
        #expect(
            try JSONDocument("\"a\\ud800b\\udc00\\ud800\\ud83d\\ude00\"").string
                == "a\u{FFFD}b\u{FFFD}\u{FFFD}\u{1F600}")
    }

    @Test func integersReachTheEndsOfInt64AndNoFurther() throws {
        #expect(try JSONDocument("9223372036854775807").integer == .max)
        #expect(try JSONDocument("-9223372036854775808").integer == .min)
        #expect(try JSONDocument("9223372036854775808").integer == nil)
        #expect(try JSONDocument("-9223372036854775809").integer == nil)
        #expect(try JSONDocument("100000000000000000000000").integer == nil)
        #expect(try JSONDocument("-0").integer == 0)
        #expect(try JSONDocument("1.0").integer == nil)
        #expect(try JSONDocument("1e400").double == .infinity)
    }

    @Test func theFirstOfTwoEqualNamesIsFound() throws {
        #expect(try JSONDocument("{\"a\":1,\"a\":2}")["a"]?.integer == 1)
    }
}
