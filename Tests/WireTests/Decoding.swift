// Short words for the tests of this module: decode a line, or get its refusal.

import Testing
import Wire

func decode(_ line: [UInt8]) throws(RequestError) -> Request {
    let result = line.withUnsafeBytes { bytes in
        Result { () throws(RequestError) in try Request(line: bytes) }
    }
    return try result.get()
}

func decode(_ line: String) throws(RequestError) -> Request { try decode(Array(line.utf8)) }

/// The refusal of a line; a test issue when it is accepted.
func refusal(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> RequestError {
    do {
        let request = try decode(line)
        Issue.record("accepted as \(request)", sourceLocation: sourceLocation)
        throw UnexpectedlyAccepted()
    } catch let error as RequestError {
        return error
    }
}

struct UnexpectedlyAccepted: Error {}

/// Expects `bad_request` with exactly this field and message.
func expectBadRequest(
    _ line: String, field: String, _ message: String, index: Int? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let error = try refusal(line, sourceLocation: sourceLocation).error
    #expect(
        error == WireError(.badRequest, message, field: field, index: index), sourceLocation: sourceLocation)
}

func isJSON(_ bytes: [UInt8]) -> Bool { (try? JSONDocument(bytes)) != nil }
func isJSON(_ text: String) -> Bool { isJSON(Array(text.utf8)) }

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
