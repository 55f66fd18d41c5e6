// A line becomes a request: the way in for everything that clients ask.
//
// One pass over the bytes validates the JSON and notes where the members stand. Then, in this order: the id (so that
// every later refusal can echo it), the operation, the members that it may have, their values. Nothing is copied but
// what the resulting values need.

public struct Request: Sendable {
    /// The raw JSON of the id, echoed as it was sent; nil when the client sent none.
    public var id: [UInt8]?
    public var operation: Operation

    /// Decodes one line, without its line end. The bytes are needed during the call only.
    public init(line: UnsafeRawBufferPointer) throws(RequestError) {
        var members = MemberReader(line, set: OperationTable.spec(.ping).members)
        do throws(WireError) {
            try Self.scan(line, into: &members)
        } catch {
            throw RequestError(id: RequestHead.id(of: line), error: error)
        }
        let id: [UInt8]?
        do throws(WireError) {
            id = try Self.id(members)
        } catch {
            throw RequestError(id: nil, error: error)
        }
        do throws(WireError) {
            let name = try Self.operationName(members)
            members.set = OperationTable.spec(name).members
            try members.check()
            operation = try Operation(name, members)
        } catch {
            throw RequestError(id: id, error: error)
        }
        self.id = id
    }

    private static func scan(
        _ line: UnsafeRawBufferPointer, into members: inout MemberReader
    ) throws(WireError) {
        guard line.count <= PackedSlice.maximumCount else { throw WireError(.badJSON, "the line is too long") }
        do throws(JSONError) {
            var scanner = JSONScanner(line)
            scanner.skipWhitespace()
            guard scanner.peek == 0x7B else {
                _ = try scanner.scanText()
                throw JSONError(problem: .notAnObject, offset: 0)
            }
            try members.scan(&scanner)
            try scanner.expectEnd()
        } catch {
            throw WireError(.badJSON, "not one valid JSON object: \(error)")
        }
    }

    static let maximumIDBytes = 128

    /// Whether a value may be an id.
    static func isID(_ slice: JSONSlice, in bytes: UnsafeRawBufferPointer) -> Bool {
        switch slice.kind {
        case .integer: JSONText.integer(slice, in: bytes) != nil
        case .string: JSONText.length(slice, in: bytes) <= maximumIDBytes
        default: false
        }
    }

    private static func id(_ members: borrowing MemberReader) throws(WireError) -> [UInt8]? {
        guard members.has(.id) else { return nil }
        guard !members.isDuplicate(.id) else { throw members.refusal(.id, "is there twice") }
        let slice = members.slice(.id)
        guard slice.kind == .null || isID(slice, in: members.bytes) else {
            throw members.refusal(.id, "must be a string of at most \(maximumIDBytes) bytes or a 64-bit integer")
        }
        return slice.kind == .null ? nil : Array(members.bytes[slice.range])
    }

    private static func operationName(_ members: borrowing MemberReader) throws(WireError) -> OperationName {
        let slice = members.slice(.op)
        guard members.has(.op), slice.kind != .null else { throw members.refusal(.op, "is missing") }
        guard slice.kind == .string else { throw members.refusal(.op, "must be a string") }
        if !slice.isEscaped,
            let name = OperationName(UnsafeRawBufferPointer(rebasing: members.bytes[slice.inner]))
        {
            return name
        }
        let text = JSONText.string(slice, in: members.bytes)
        var copy = text
        if let name = copy.withUTF8({ OperationName(UnsafeRawBufferPointer($0)) }) { return name }
        let hint = Quotation.hint(for: text, among: OperationName.allCases.map { $0.text.description })
        throw WireError(.unknownOp, "unknown op \"\(Quotation.safe(text))\"\(hint)", field: "op")
    }
}
