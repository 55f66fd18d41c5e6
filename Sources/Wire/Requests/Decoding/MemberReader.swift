// The members of one object of a request: where they stand, and their values as the operation table demands them.
//
// `scan` notes for every known name where its value stands (one pass, nothing is copied); which of them the object may
// have is decided by `check`, when the operation is known. Values are then read by name. What kind and range a value
// must have is never said here or by the caller: it stands in the table, and the message of a refusal comes from it.

/// Not copyable: it is more than half a kilobyte, and is only ever lent to the initialisers of what it has.
struct MemberReader: ~Copyable {
    let bytes: UnsafeRawBufferPointer
    /// What the object may have; replaced once the operation is known.
    var set: MemberSet
    /// Stands before a name in messages and `field`: empty, or as in `next.`.
    let prefix: StaticString
    private(set) var present = MemberNameSet()
    /// Those whose value is null.
    private var nulls = MemberNameSet()
    private var slices = InlineArray<72, PackedSlice>(repeating: PackedSlice())
    /// The first name that is in no table.
    private var unknown: JSONSlice?
    private var duplicate: MemberName?
    /// No value is nested deeper than this; inside a list it counts the items before too.
    private(set) var deepest = 0

    /// `bytes` must outlive the reader; at most `PackedSlice.maximumCount` of them.
    init(_ bytes: UnsafeRawBufferPointer, set: MemberSet, prefix: StaticString = "") {
        self.bytes = bytes
        self.set = set
        self.prefix = prefix
    }

    /// A reader of an inner object that was validated with the line.
    init(
        _ bytes: UnsafeRawBufferPointer, object: JSONSlice, set: MemberSet, prefix: StaticString
    ) throws(WireError) {
        self.init(bytes, set: set, prefix: prefix)
        var scanner = JSONScanner(bytes, at: Int(object.start))
        scanAgain(&scanner)
        try check()
    }

    // MARK: Scanning

    /// Validates the object that begins at the scanner's position and notes its members.
    mutating func scan(_ scanner: inout JSONScanner) throws(JSONError) {
        defer { deepest = scanner.deepest }
        present = MemberNameSet()
        nulls = MemberNameSet()
        unknown = nil
        duplicate = nil
        scanner.position += 1
        scanner.skipWhitespace()
        if scanner.peek == 0x7D {
            scanner.position += 1
            return
        }
        while true {
            let name = try scanner.scanName()
            let value = try scanner.scanValue(depth: 1)
            note(name, value)
            scanner.skipWhitespace()
            switch scanner.peek {
            case 0x2C:
                scanner.position += 1
                scanner.skipWhitespace()
            case 0x7D:
                scanner.position += 1
                return
            default: throw scanner.error(.expectedCommaOrEnd)
            }
        }
    }

    /// The same for an object inside a line that was validated before.
    mutating func scanAgain(_ scanner: inout JSONScanner) {
        do { try scan(&scanner) } catch { preconditionFailure("a validated object is not valid: \(error)") }
    }

    private mutating func note(_ name: JSONSlice, _ value: JSONSlice) {
        guard let member = memberName(name) else {
            if unknown == nil { unknown = name }
            return
        }
        if present.contains(member) {
            if duplicate == nil { duplicate = member }
            return
        }
        present.insert(member)
        if value.kind == .null { nulls.insert(member) }
        slices[Int(member.rawValue)] = PackedSlice(value)
    }

    private func memberName(_ name: JSONSlice) -> MemberName? {
        if !name.isEscaped { return MemberName(UnsafeRawBufferPointer(rebasing: bytes[name.inner])) }
        let decoded = JSONText.unescape(bytes[name.inner])
        return decoded.withUnsafeBytes { MemberName($0) }
    }

    // MARK: Which members there are

    func has(_ name: MemberName) -> Bool { present.contains(name) }
    /// It was there as null.
    func isNull(_ name: MemberName) -> Bool { nulls.contains(name) }
    func isDuplicate(_ name: MemberName) -> Bool { duplicate == name }
    func slice(_ name: MemberName) -> JSONSlice { slices[Int(name.rawValue)].slice }

    /// Refuses duplicates and members that the set does not have, and misses those it requires. From then on an
    /// explicit null counts as absent, except where any JSON value will do.
    mutating func check() throws(WireError) {
        if let duplicate { throw refusal(duplicate, "is there twice") }
        let foreign = present.subtracting(set.allowed)
        if unknown != nil || !foreign.isEmpty { throw unknownMember(foreign) }
        if !nulls.isEmpty {
            for name in nulls.names {
                if set[name].type.takesNull { continue }
                present = present.subtracting(MemberNameSet(name))
            }
        }
        let missing = set.required.subtracting(present)
        if !missing.isEmpty { throw refusal(missing.names[0], "is missing") }
    }

    /// `name what`, as a `bad_request` with the field.
    func refusal(_ name: MemberName, _ what: String) -> WireError {
        let field = "\(prefix)\(name.text)"
        return WireError(.badRequest, "\(field) \(what)", field: field)
    }

    private func unknownMember(_ foreign: MemberNameSet) -> WireError {
        let slice = unknown
        let name = slice.map { JSONText.string($0, in: bytes) } ?? foreign.names[0].text.description
        let quoted = Quotation.safe(name)
        let hint = Quotation.hint(for: name, among: set.members.map { $0.name })
        return WireError(.badRequest, "unknown member \"\(prefix)\(quoted)\"\(hint)", field: "\(prefix)\(quoted)")
    }
}
