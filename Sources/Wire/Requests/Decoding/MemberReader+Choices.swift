// Reading values of subscriptions and weighted claims: patterns, words, places in the event log, weights.
//
// The same manner as in `MemberReader+Values`.

extension MemberReader {
    func optionalGlob(_ name: MemberName) throws(WireError) -> Glob? {
        guard has(name) else { return nil }
        guard let glob = text(slice(name), type: .glob).flatMap({ Glob($0) }) else { throw mismatch(name) }
        return glob
    }

    func optionalGlobs(_ name: MemberName) throws(WireError) -> [Glob]? {
        guard has(name) else { return nil }
        guard case .globs(let max) = set[name].type else { preconditionFailure("\(name) is no list of patterns") }
        guard slice(name).kind == .array else { throw mismatch(name) }
        var globs: [Glob] = []
        try eachElement(of: name) { (scanner, _) throws(WireError) in
            guard let value = try? scanner.scanValue(depth: 0), globs.count < max,
                let glob = text(value, type: .glob).flatMap({ Glob($0) }), !globs.contains(glob)
            else { throw mismatch(name) }
            globs.append(glob)
        }
        guard !globs.isEmpty else { throw mismatch(name) }
        return globs
    }

    /// Different words of the table, as values of the enum whose raw values they are.
    func optionalWords<Word: RawRepresentable<String> & Equatable>(_ name: MemberName) throws(WireError) -> [Word]? {
        guard has(name) else { return nil }
        guard case .words(let choice) = set[name].type else { preconditionFailure("\(name) is no list of words") }
        guard slice(name).kind == .array else { throw mismatch(name) }
        var words: [Word] = []
        try eachElement(of: name) { (scanner, _) throws(WireError) in
            guard let value = try? scanner.scanValue(depth: 0), value.kind == .string, value.count <= 64
            else { throw mismatch(name) }
            let text = JSONText.string(value, in: bytes)
            guard choice.words.contains(text), let word = Word(rawValue: text), !words.contains(word) else {
                throw mismatch(name)
            }
            words.append(word)
        }
        guard !words.isEmpty else { throw mismatch(name) }
        return words
    }

    func optionalEventID(_ name: MemberName) throws(WireError) -> EventID? {
        guard has(name) else { return nil }
        guard let id = text(slice(name), type: .eventID).flatMap({ EventID($0) }) else { throw mismatch(name) }
        return id
    }

    /// One weight for each queue, 1 for those that the member does not name.
    func weights(_ name: MemberName, of queues: [String]) throws(WireError) -> [Int] {
        var weights = [Int](repeating: 1, count: queues.count)
        guard has(name) else { return weights }
        guard case .weights(let range) = set[name].type else { preconditionFailure("\(name) is no object of weights") }
        guard slice(name).kind == .object else { throw mismatch(name) }
        var named = Set<Int>()
        var scanner = JSONScanner(bytes, at: Int(slice(name).start) + 1)
        scanner.skipWhitespace()
        while scanner.peek != 0x7D {
            // Cannot throw: the line was validated.
            guard let key = try? scanner.scanName(), let value = try? scanner.scanValue(depth: 0) else { break }
            let queue = JSONText.string(key, in: bytes)
            guard let index = queues.firstIndex(of: queue) else {
                throw refusal(name, "has \"\(Quotation.safe(queue))\", which is not among the queues")
            }
            guard named.insert(index).inserted else { throw refusal(name, "has \"\(queue)\" twice") }
            guard value.kind == .integer, let weight = JSONText.integer(value, in: bytes), range.contains(weight) else {
                throw mismatch(name)
            }
            weights[index] = Int(weight)
            scanner.skipWhitespace()
            if scanner.peek == 0x2C { scanner.position += 1 }
            scanner.skipWhitespace()
        }
        return weights
    }
}
