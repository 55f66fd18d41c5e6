// The vocabulary of the operation table: what a member may be, said once for the decoder, for the error messages and
// for the manual.
//
// All types are plain values without references, so that the decoder can look a member up without counting any.

/// A fixed choice of words.
public enum WordChoice: Sendable {
    case onDisconnect, backoffKind, strategy, state, requeuableState, purgeableState, uniqueUntil, order, eventKind

    /// The words that are accepted.
    public var words: [String] {
        switch self {
        case .onDisconnect: OnDisconnect.allCases.map { $0.rawValue }
        case .backoffKind: ["exponential", "linear", "fixed"]
        case .strategy: ClaimStrategy.allCases.map { $0.rawValue }
        case .state: JobState.allCases.map { $0.rawValue }
        case .requeuableState: [JobState.scheduled, .retrying, .dead, .cancelled].map { $0.rawValue }
        case .purgeableState: JobState.allCases.filter { $0 != .processing }.map { $0.rawValue }
        case .uniqueUntil: UniqueUntil.allCases.map { $0.rawValue }
        case .order: QueueOrder.allCases.map { $0.rawValue }
        case .eventKind: EventKind.allCases.map { $0.rawValue }
        }
    }
}

/// The kinds of objects inside requests.
public enum ObjectShape: Sendable, CaseIterable {
    /// A job to enqueue.
    case job
    case backoff
    case unique
    /// A claim's members, as in `next`.
    case claim
    case complete, fail, extend, release
    /// The `error` of a failed attempt.
    case failure
}

/// What a member's value may be.
public enum MemberType: Sendable {
    case bool
    case integer(ClosedRange<Int64>)
    case number(ClosedRange<Double>)
    /// Text without control characters; the range is its length in bytes of UTF-8.
    case text(ClosedRange<Int>)
    /// Any string.
    case string
    case queueName
    /// Queue, slash, id.
    case jobName
    /// The part of a job's name after the slash.
    case jobID
    /// 1 to `max` queue names, or patterns for them, that differ.
    case queueTerms(max: Int)
    case word(WordChoice)
    /// 1 or more different words.
    case words(WordChoice)
    case topicName
    /// What queues' or workers' names match.
    case glob
    /// 1 to `max` globs that differ.
    case globs(max: Int)
    /// An event's `seq`.
    case eventID
    /// The `id` of a request.
    case requestID
    /// An object that has an integer for some of the claim's queues.
    case weights(ClosedRange<Int64>)
    /// Any JSON.
    case json
    /// Any JSON of at most so many bytes.
    case smallJSON(maxBytes: Int)
    /// A string without line breaks, of at most so many bytes.
    case logLine(maxBytes: Int)
    /// Any object, of at most so many bytes.
    case object(maxBytes: Int)
    /// A string or a `failure` object, of at most so many bytes.
    case failure(maxBytes: Int)
    /// An object with the members of that shape.
    case shape(ObjectShape)
    /// An array of 1 to `max` such objects.
    case list(ObjectShape, max: Int)

    /// What stands after "must be" in a message.
    public var phrase: String {
        switch self {
        case .bool: "true or false"
        case .integer(let range):
            range == Int64.min...Int64.max
                ? "an integer" : "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        case .text(let range):
            "a string of \(range.lowerBound == 0 ? "at most" : "\(range.lowerBound) to") \(range.upperBound) bytes"
                + " without control characters"
        case .string: "a string"
        case .queueName: "a queue's name: \(NameRule.queue.phrase)"
        case .jobName: "a job's name: its queue, a slash and its id"
        case .jobID: "an id: \(NameRule.jobID.phrase)"
        case .queueTerms(let max): "an array of 1 to \(max) different queue names or patterns (with * or ?)"
        case .word(let choice):
            (choice.words.count > 1 ? "one of " : "") + choice.words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .words(let choice):
            "an array of 1 to \(choice.words.count) different words of "
                + choice.words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .topicName: "a topic's name: \(NameRule.queue.phrase)"
        case .glob: "a pattern: \(Glob.phrase)"
        case .globs(let max): "an array of 1 to \(max) different patterns, each \(Glob.phrase)"
        case .eventID: "an event's seq, as in \"1763680000123-0\""
        case .requestID: "the id of a request: a string of at most \(Request.maximumIDBytes) bytes or a 64-bit integer"
        case .weights(let range):
            "an object that has an integer from \(range.lowerBound) to \(range.upperBound) for some of the queues"
        case .json: "a JSON value"
        case .smallJSON(let maxBytes): "a JSON value of at most \(maxBytes) bytes"
        case .logLine(let maxBytes): "a string of at most \(maxBytes) bytes without line breaks"
        case .object(let maxBytes): "an object of at most \(maxBytes) bytes"
        case .failure(let maxBytes):
            "a string, or an object of \"type\", \"message\" and \"trace\", of at most \(maxBytes) bytes"
        case .shape: "an object"
        case .list(_, let max): "an array of 1 to \(max) objects"
        }
    }

    /// null is a value like others, and does not count as absent.
    var takesNull: Bool {
        switch self {
        case .json, .smallJSON: true
        default: false
        }
    }

    private func plain(_ number: Double) -> String {
        number == number.rounded() ? "\(Int(number))" : "\(number)"
    }
}

/// What a member that is absent stands for.
public enum MemberDefault: Sendable {
    /// The operation cannot do without it.
    case required
    /// Nothing: it is optional, or one of several of which the operation needs one.
    case none
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case word(StaticString)
    /// A JSON value.
    case json(StaticString)
}

/// One member of an operation or of an object inside one.
public struct MemberSpec: Sendable {
    let key: MemberName
    public let type: MemberType
    public let `default`: MemberDefault
    /// One line for the manual.
    public let doc: StaticString

    init(_ key: MemberName, _ type: MemberType, _ default: MemberDefault = .none, _ doc: StaticString) {
        self.key = key
        self.type = type
        self.default = `default`
        self.doc = doc
    }

    /// As on the wire.
    public var name: String { key.text.description }

    var isRequired: Bool { if case .required = self.default { true } else { false } }
}

/// The members of an operation or object, findable by name.
public final class MemberSet: Sendable {
    /// In the order of the manual.
    public let members: [MemberSpec]
    /// By the raw value of `MemberName`.
    private let byName: [MemberSpec?]
    let allowed: MemberNameSet
    let required: MemberNameSet

    init(_ members: [MemberSpec]) {
        self.members = members
        var byName = [MemberSpec?](repeating: nil, count: MemberName.allCases.count)
        var allowed = MemberNameSet()
        var required = MemberNameSet()
        for member in members {
            precondition(!allowed.contains(member.key), "a member is twice in the table")
            byName[Int(member.key.rawValue)] = member
            allowed.insert(member.key)
            if member.isRequired { required.insert(member.key) }
        }
        self.byName = byName
        self.allowed = allowed
        self.required = required
    }

    /// The spec of a member that is in the set; asking for another is a bug.
    subscript(_ name: MemberName) -> MemberSpec {
        guard let spec = byName[Int(name.rawValue)] else {
            preconditionFailure("\(name) is read but not in the operation table")
        }
        return spec
    }
}
