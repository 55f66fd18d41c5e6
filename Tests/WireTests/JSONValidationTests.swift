// What is JSON and what is not (RFC 8259), byte for byte, and why it is refused.

import FuzzBodies
import Testing
import Wire

@Suite struct JSONValidationTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "1", "-1", "10", "1.5", "0.5", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "1.25e10",
        "true", "false", "null", "\"\"", "\"a\"", " [1 , 2 ]\t", "\r\n{ \"a\" : [ ] }", "[[],{},[{}]]",
        "{\"a\":1,\"a\":2}", "{\"\":0}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\\uFFFF\\uabcd\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\u{7F}\"", "\"\u{80}\u{7FF}\u{800}\u{FFFF}\"",
        "\"\u{10000}\u{10FFFF}\"", "123456789012345678901234567890", "1e400", "[1,[2,[3,[4]]]]",
    ])
    func isAccepted(text: String) {
        #expect(isJSON(text))
        #expect(ReferenceJSON.accepts(text.bytes, objectOnly: false, allowsLoneSurrogates: true))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{,}", "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{1:2}", "[1}", "{\"a\":1]", "[[1]", "[1]]",
        "01", "-01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "1e-", "0x10", "1_000", "NaN", "Infinity", "-Infinity",
        "00", "--1", "1.2.3", "1e5.5", "tru", "True", "nul", "nulls", "falsee", "\"", "\"a", "\"\\\"", "\"\\x\"",
        "\"\\u\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\", "\"\\u123", "'a'", "{} {}", "1 2",
        "// c\n1", "[1]//", "\u{FEFF}{}", "\u{A0}1", "\"a\nb\"", "\"a\tb\"", "\"\u{0}\"", "\"\u{1F}\"", "\u{0}",
        "{}\u{0}",
    ])
    func isRefused(text: String) {
        #expect(!isJSON(text))
        #expect(!ReferenceJSON.accepts(text.bytes, objectOnly: false))
    }

    @Test(arguments: [
        [0x80], [0xBF], [0xFF], [0xFE], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
        [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE2, 0x82, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
        [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x41], [0xF8, 0x88, 0x80, 0x80, 0x80],
    ])
    func invalidUTF8IsRefused(sequence: [UInt8]) {
        // Alone, and behind so many plain bytes that every step of the quick way meets it.
        for padding in 0...17 {
            let text = [0x22] + [UInt8](repeating: 0x61, count: padding) + sequence
            #expect(!isJSON(text))
            #expect(!isJSON(text + [0x22]))
            #expect(!isJSON(text + "aaaaaaaaaaaaaaaa\"".bytes))
        }
    }

    @Test func everyScalarIsAcceptedRaw() {
        for value in stride(from: UInt32(0x20), through: 0x10FFFF, by: 61) {
            guard let scalar = Unicode.Scalar(value), scalar != "\"", scalar != "\\" else { continue }
            let text = "\"\(scalar)\""
            #expect(isJSON(text))
        }
    }

    @Test func everyStopByteIsFoundAtEveryPlace() {
        for padding in 0...24 {
            let plain = [UInt8](repeating: 0x7E, count: padding)
            for byte in UInt8.min...0x7F {
                let text = [0x22] + plain + [byte] + plain + [0x22]
                let expected = byte >= 0x20 && byte != 0x5C && byte != 0x22
                #expect(isJSON(text) == expected || byte == 0x22 && padding == 0, "byte \(byte) after \(padding)")
            }
        }
    }

    @Test func depth128PassesAnd129DoesNot() {
        func nested(_ open: String, _ close: String, _ depth: Int) -> String {
            String(repeating: open, count: depth) + String(repeating: close, count: depth)
        }
        #expect(isJSON(nested("[", "]", 128)))
        #expect(!isJSON(nested("[", "]", 129)))
        #expect(isJSON(String(repeating: "{\"a\":", count: 127) + "{}" + String(repeating: "}", count: 127)))
        #expect(!isJSON(String(repeating: "{\"a\":", count: 128) + "{}" + String(repeating: "}", count: 128)))
        #expect(isJSON("[" + Array(repeating: nested("[", "]", 127), count: 5).joined(separator: ",") + "]"))
    }

    @Test func aMillionOpenBracketsAreRefusedAtOnce() {
        let error = reason([UInt8](repeating: 0x5B, count: 1_000_000))
        #expect(error?.problem == .tooDeep)
        #expect(error?.offset == 128)
    }

    private func reason(_ text: [UInt8]) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONDocument(text)
            return nil
        } catch {
            return error
        }
    }

    @Test func bracketsMustMatchAtEveryDepth() {
        #expect(isJSON("[{\"a\":[{\"b\":[]}]}]"))
        #expect(!isJSON("[{\"a\":[{\"b\":[]]}}]"))
        #expect(!isJSON("[{\"a\":[{\"b\":[}]}]}]"))
    }

    @Test(arguments: [
        ("{\"a\":tru}", JSONError.Problem.expectedValue, 5), ("[1 2]", .expectedCommaOrEnd, 3),
        ("[1", .unexpectedEnd, 2), ("{1}", .expectedName, 1), ("{\"a\" 1}", .expectedColon, 5),
        ("[01]", .badNumber, 2), ("[-]", .badNumber, 2), ("\"ab", .unexpectedEnd, 3),
        ("\"a\u{1}\"", .controlCharacter, 2),
        ("\"\\x\"", .badEscape, 1), ("\"\\u12x4\"", .badEscape, 5), ("1 x", .trailingBytes, 2),
    ])
    func theReasonAndThePlaceAreTold(text: String, problem: JSONError.Problem, offset: Int) {
        let error = reason(text.bytes)
        #expect(error?.problem == problem)
        #expect(error?.offset == offset)
    }

    @Test func mutatedTextsAgreeWithTheReference() throws {
        var random = SeededGenerator(seed: 11)
        let seeds = [
            "{\"a\":[1,2.5e-3,true,null],\"b\":{\"c\":\"\\u00e9\\n\u{20AC}\"}}", "[-0,[],{},\"\",[[[0]]]]",
            "{\"op\":\"enqueue\",\"payload\":\"\u{1F600}\\ud83d\\ude00\"}",
        ]
        let bytes = "{}[]\",:\\u0123456789.eE+-truefalsnl \t\n\u{0}\u{1F}".bytes + [0x80, 0xC2, 0xE2, 0xED, 0xF4, 0xFF]
        for _ in 0..<20_000 {
            var text = seeds.randomElement(using: &random)!.bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: text[place] = bytes.randomElement(using: &random)!
                case 1: text.insert(bytes.randomElement(using: &random)!, at: place)
                default: text.remove(at: place)
                }
            }
            #expect(isJSON(text) == ReferenceJSON.accepts(text, objectOnly: false, allowsLoneSurrogates: true))
            try text.withUnsafeBytes { try RequestBody.check($0) }
        }
    }
}
