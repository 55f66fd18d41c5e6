// Reading values: one function for each Swift type, all with the rule of the member from the operation table.
//
// A function whose name begins with `optional` gives nil for an absent member; the others use the table's default.
// Asking for a member in a way that its type in the table does not allow is a bug and traps.

extension MemberReader {
    /// The refusal of a value that is not what the table says.
    func mismatch(_ name: MemberName) -> WireError { refusal(name, "must be \(set[name].type.phrase)") }

    // MARK: Integers, numbers, truth values

    func optionalInteger(_ name: MemberName) throws(WireError) -> Int64? {
        guard has(name) else { return nil }
        guard case .integer(let range) = set[name].type else { preconditionFailure("\(name) is no integer") }
        let value = slice(name)
        guard value.kind == .integer, let integer = JSONText.integer(value, in: bytes), range.contains(integer) else {
            throw mismatch(name)
        }
        return integer
    }

    func integer(_ name: MemberName) throws(WireError) -> Int64 {
        if let value = try optionalInteger(name) { return value }
        guard case .integer(let value) = set[name].default else { preconditionFailure("\(name) has no default") }
        return value
    }

    func number(_ name: MemberName) throws(WireError) -> Double {
        guard has(name) else {
            guard case .number(let value) = set[name].default else { preconditionFailure("\(name) has no default") }
            return value
        }
        guard case .number(let range) = set[name].type else { preconditionFailure("\(name) is no number") }
        let value = slice(name)
        guard value.kind == .integer || value.kind == .number else { throw mismatch(name) }
        let number = JSONText.number(value, in: bytes)
        guard range.contains(number) else { throw mismatch(name) }
        return number
    }

    func bool(_ name: MemberName) throws(WireError) -> Bool {
        guard has(name) else {
            guard case .bool(let value) = set[name].default else { preconditionFailure("\(name) has no default") }
            return value
        }
        switch slice(name).kind {
        case .true: return true
        case .false: return false
        default: throw mismatch(name)
        }
    }

    // MARK: JSON as it is

    func optionalJSON(_ name: MemberName) throws(WireError) -> [UInt8]? {
        guard has(name) else { return nil }
        let value = slice(name)
        switch set[name].type {
        case .json: break
        case .smallJSON(let maxBytes): guard value.count <= maxBytes else { throw mismatch(name) }
        case .logLine(let maxBytes): guard isLogLine(value, maxBytes: maxBytes) else { throw mismatch(name) }
        case .object(let maxBytes):
            guard value.kind == .object, value.count <= maxBytes else { throw mismatch(name) }
        case .failure(let maxBytes):
            guard value.kind == .string || value.kind == .object, value.count <= maxBytes else { throw mismatch(name) }
            if value.kind == .object { try checkFailure(name, value) }
        default: preconditionFailure("\(name) is not kept as JSON")
        }
        try checkDepth(name, value)
        return Array(bytes[value.range])
    }

    /// What is kept must be readable inside every reply. Only a line with something deep in it is looked at again.
    private func checkDepth(_ name: MemberName, _ value: JSONSlice) throws(WireError) {
        let most = JSONScanner.maximumStoredDepth
        guard deepest > most, JSONScanner.depth(of: value, in: bytes) > most else { return }
        throw refusal(name, "must be nested at most \(most) deep, so that replies with it around can be read")
    }

    private func isLogLine(_ value: JSONSlice, maxBytes: Int) -> Bool {
        // An escape takes at most six bytes for one; what is longer need not be looked at.
        guard value.kind == .string, value.count <= 6 * maxBytes + 2 else { return false }
        let text = JSONText.unescape(bytes[value.inner])
        return text.count <= maxBytes && !text.contains { $0 == 0x0A || $0 == 0x0D }
    }

    func json(_ name: MemberName) throws(WireError) -> [UInt8] {
        if let value = try optionalJSON(name) { return value }
        guard case .json(let value) = set[name].default else { preconditionFailure("\(name) has no default") }
        return value.withUTF8Buffer { Array($0) }
    }

    /// The `error` of a failed attempt may only have texts, under names of ours.
    private func checkFailure(_ name: MemberName, _ value: JSONSlice) throws(WireError) {
        let inner = try MemberReader(
            bytes, object: value, set: OperationTable.members(of: .failure), prefix: "error.")
        for member in inner.set.members where inner.has(member.key) && inner.slice(member.key).kind != .string {
            throw inner.mismatch(member.key)
        }
    }

    // MARK: Texts

    func optionalText(_ name: MemberName) throws(WireError) -> String? {
        guard has(name) else { return nil }
        guard let text = text(slice(name), type: set[name].type) else { throw mismatch(name) }
        return text
    }

    /// A required text.
    func text(_ name: MemberName) throws(WireError) -> String {
        guard let text = try optionalText(name) else { throw refusal(name, "is missing") }
        return text
    }

    /// A text if it is one and keeps the rule of the type.
    func text(_ value: JSONSlice, type: MemberType) -> String? {
        guard value.kind == .string else { return nil }
        guard !value.isEscaped else {
            let decoded = JSONText.unescape(bytes[value.inner])
            return decoded.withUnsafeBytes { Self.text($0, type: type) }
        }
        return Self.text(UnsafeRawBufferPointer(rebasing: bytes[value.inner]), type: type)
    }

    private static func text(_ text: UnsafeRawBufferPointer, type: MemberType) -> String? {
        switch type {
        case .text(let range): guard range.contains(text.count), !hasControls(text) else { return nil }
        case .queueName, .topicName: guard NameRule.queue.accepts(text) else { return nil }
        case .jobID: guard NameRule.jobID.accepts(text) else { return nil }
        case .jobName, .glob, .eventID: break  // checked by who makes a value of it
        default: preconditionFailure("not a text in the operation table")
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Control characters: U+0000 to U+001F, U+007F, and U+0080 to U+009F (in UTF-8 C2 80 to C2 9F).
    private static func hasControls(_ text: UnsafeRawBufferPointer) -> Bool {
        var before: UInt8 = 0
        for byte in text {
            if byte < 0x20 || byte == 0x7F || (before == 0xC2 && byte < 0xA0) { return true }
            before = byte
        }
        return false
    }

    /// One of the words of the table, as a value of the enum whose raw values they are.
    func optionalWord<Word: RawRepresentable<String>>(_ name: MemberName) throws(WireError) -> Word? {
        guard has(name) else { return nil }
        guard case .word(let choice) = set[name].type else { preconditionFailure("\(name) is no word") }
        let value = slice(name)
        guard value.kind == .string, value.count <= 64 else { throw mismatch(name) }
        let text = JSONText.string(value, in: bytes)
        guard choice.words.contains(text), let word = Word(rawValue: text) else { throw mismatch(name) }
        return word
    }

    func word<Word: RawRepresentable<String>>(_ name: MemberName) throws(WireError) -> Word {
        if let word: Word = try optionalWord(name) { return word }
        guard case .word(let text) = set[name].default, let word = Word(rawValue: text.description) else {
            throw refusal(name, "is missing")
        }
        return word
    }

    // MARK: Names

    func optionalJobName(_ name: MemberName) throws(WireError) -> JobName? {
        guard has(name) else { return nil }
        let value = slice(name)
        let longest = 2 * NameRule.maximumBytes + 1
        guard value.kind == .string else { throw mismatch(name) }
        if !value.isEscaped {
            guard let job = JobName(UnsafeRawBufferPointer(rebasing: bytes[value.inner])) else { throw mismatch(name) }
            return job
        }
        guard value.count <= 6 * longest + 2, let text = text(value, type: .jobName), let job = JobName(text) else {
            throw mismatch(name)
        }
        return job
    }

    /// A required job name.
    func jobName(_ name: MemberName) throws(WireError) -> JobName {
        guard let job = try optionalJobName(name) else { throw refusal(name, "is missing") }
        return job
    }

    /// Different names of queues, or patterns for them.
    func optionalQueueTerms(_ name: MemberName) throws(WireError) -> [String]? {
        guard has(name) else { return nil }
        guard case .queueTerms(let max) = set[name].type else { preconditionFailure("\(name) is no list of queues") }
        guard slice(name).kind == .array else { throw mismatch(name) }
        var names: [String] = []
        try eachElement(of: name) { (scanner, _) throws(WireError) in
            guard let value = try? scanner.scanValue(depth: 0), names.count < max,
                let queue = text(value, type: .queueName) ?? pattern(value), !names.contains(queue)
            else { throw mismatch(name) }
            names.append(queue)
        }
        guard !names.isEmpty else { throw mismatch(name) }
        return names
    }

    /// A glob that is more than a name.
    private func pattern(_ value: JSONSlice) -> String? {
        guard let text = text(value, type: .glob), Glob.isPattern(text), Glob(text) != nil else { return nil }
        return text
    }

    /// The raw JSON of a required request id.
    func requestID(_ name: MemberName) throws(WireError) -> [UInt8] {
        guard Request.isID(slice(name), in: bytes) else { throw mismatch(name) }
        return Array(bytes[slice(name).range])
    }

    // MARK: Objects and lists of them

    /// The reader of an inner object, which must be there.
    func object(_ name: MemberName, prefix: StaticString) throws(WireError) -> MemberReader {
        guard case .shape(let shape) = set[name].type else { preconditionFailure("\(name) is no object") }
        guard slice(name).kind == .object else { throw mismatch(name) }
        return try MemberReader(
            bytes, object: slice(name), set: OperationTable.members(of: shape), prefix: prefix)
    }

    /// The items of a list of objects; a refusal tells the item's index.
    func list<Item>(
        _ name: MemberName, _ read: (borrowing MemberReader) throws(WireError) -> Item
    ) throws(WireError) -> [Item] {
        guard case .list(let shape, let max) = set[name].type else { preconditionFailure("\(name) is no list") }
        guard slice(name).kind == .array else { throw mismatch(name) }
        var items: [Item] = []
        var reader = MemberReader(bytes, set: OperationTable.members(of: shape))
        try eachElement(of: name) { (scanner, index) throws(WireError) in
            guard index < max else { throw mismatch(name) }
            guard scanner.peek == 0x7B else {
                throw WireError(.badRequest, "\(name.text) must have objects only", field: "\(name.text)", index: index)
            }
            reader.scanAgain(&scanner)
            do throws(WireError) {
                try reader.check()
                items.append(try read(reader))
            } catch {
                var error = error
                error.index = index
                throw error
            }
        }
        guard !items.isEmpty else { throw mismatch(name) }
        return items
    }

    /// Walks an array; the body must move the scanner behind the element.
    func eachElement(
        of name: MemberName, _ body: (inout JSONScanner, _ index: Int) throws(WireError) -> Void
    ) throws(WireError) {
        var scanner = JSONScanner(bytes, at: Int(slice(name).start) + 1)
        var index = 0
        scanner.skipWhitespace()
        while scanner.peek != 0x5D {
            try body(&scanner, index)
            index += 1
            scanner.skipWhitespace()
            // The line was validated: what follows an element is a comma or the end.
            if scanner.peek == 0x2C { scanner.position += 1 }
            scanner.skipWhitespace()
        }
    }
}
