// The request decoder: whatever the bytes are, it says "not JSON" exactly when a second parser does, its refusals are
// themselves well-formed and quote nothing unescaped, and what it accepts is inside the protocol's ranges.

import Wire

public enum RequestBody {
    /// Checks one line.
    public static func check(_ input: UnsafeRawBufferPointer) throws {
        let bytes = Array(input)
        let isObject = ReferenceJSON.accepts(bytes, objectOnly: true)
        do {
            let request = try Request(line: input)
            try require(isObject, "accepted what is no JSON object")
            if let id = request.id { try checkID(id, in: bytes) }
            try check(request.operation, in: bytes)
        } catch let refusal as RequestError {
            try require((refusal.error.code == .badJSON) == !isObject, "\(refusal.error.code) for JSON: \(isObject)")
            try check(refusal, in: bytes)
        }
        try checkDocument(bytes)
    }

    private static func check(_ refusal: RequestError, in bytes: [UInt8]) throws {
        let error = refusal.error
        try require([.badJSON, .badRequest, .unknownOp].contains(error.code), "code \(error.code)")
        for text in [error.message, error.field ?? ""] {
            try require(text.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "unescaped text in \(text)")
            try require(text.utf8.count < 300, "a long message")
        }
        if let id = refusal.id { try checkID(id, in: bytes) }
        if error.code == .badJSON { try checkHead(refusal.id, of: bytes) }
        var writer = JSONWriter()
        writer.errorReply(id: refusal.id, error)
        let line = writer.bytes
        try require(line.last == 0x0A && !line.dropLast().contains(0x0A) || bytes.contains(0x0A), "not one line")
        let reply = try JSONDocument(line)
        try require(reply["error"]?["message"]?.string == error.message, "the message changed on its way")
    }

    /// The id of a line that is not JSON, or of one that is too long, is the one at its front and no other.
    private static func checkHead(_ id: [UInt8]?, of bytes: [UInt8]) throws {
        let expected = ReferenceHead.id(of: bytes)
        try require(id == expected, "the id \(id ?? []) instead of \(expected ?? [])")
        let tooLong = bytes.withUnsafeBytes { RequestError(tooLong: $0, limit: 1) }
        try require(tooLong.id == expected && tooLong.error.code == .lineTooLong, "another id for a line too long")
    }

    private static func checkID(_ id: [UInt8], in bytes: [UInt8]) throws {
        let document = try JSONDocument(id)
        try require(document.integer != nil || document.kind == .string, "an id of kind \(document.kind)")
        try require(contains(bytes, id), "the id is not as it was sent")
    }

    private static func check(_ operation: Operation, in bytes: [UInt8]) throws {
        switch operation {
        case .enqueue(let body):
            try require((1...1000).contains(body.jobs.count), "\(body.jobs.count) jobs")
            for job in body.jobs { try check(job, in: bytes) }
        case .claim(let body): try check(body)
        case .complete(let body):
            for item in body.items { try check(item.job, item.token, item.result, in: bytes) }
            if let next = body.next { try check(next) }
        case .fail(let body):
            for item in body.items { try check(item.job, item.token, item.error, in: bytes) }
            if let next = body.next { try check(next) }
        case .extend(let body):
            for item in body.items { try check(item, in: bytes) }
        case .release(let body):
            for item in body.items { try check(item.job, item.token, nil, in: bytes) }
        case .publish(let body):
            try require(JobName("\(body.topic)/x") != nil, "topic \(body.topic)")
            try require(body.item.queue.isEmpty, "a publish to queue \(body.item.queue)")
            try checkJob(body.item, in: bytes)
        case .cancelWait(let target): try checkID(target, in: bytes)
        default: try OperationBody.check(operation)
        }
    }

    private static func check(_ job: EnqueueItem, in bytes: [UInt8]) throws {
        try require(JobName("\(job.queue)/x") != nil, "queue \(job.queue)")
        try checkJob(job, in: bytes)
    }

    private static func checkJob(_ job: EnqueueItem, in bytes: [UInt8]) throws {
        try require(job.jobID.map { JobName("q/\($0)") != nil } ?? true, "an id out of its rule")
        try require((-100...100).contains(job.priority), "priority \(job.priority)")
        try require(job.type.utf8.count <= 128, "a long type")
        try require(job.delayMs == nil || job.runAt == nil, "both delay_ms and run_at")
        for json in [job.payload, job.meta ?? [0x30]] { _ = try JSONDocument(json) }
        if let unique = job.unique {
            try require((1...256).contains(unique.key.utf8.count), "a key of \(unique.key.utf8.count) bytes")
            try require(unique.ttlMs.map { (1...31_536_000_000).contains($0) } ?? true, "ttl_ms out of its range")
        }
        try require(job.expiresInMs.map { (1...315_360_000_000).contains($0) } ?? true, "an expiry out of its range")
        try require(job.payload == Array("null".utf8) || contains(bytes, job.payload), "the payload changed")
    }

    private static func check(_ claim: ClaimBody) throws {
        try require((1...64).contains(claim.queues.count), "\(claim.queues.count) queues")
        try require(Set(claim.queues).count == claim.queues.count, "a queue is named twice")
        try require((1...100).contains(claim.max) && (0...600_000).contains(claim.waitMs), "a claim out of its ranges")
        try require(
            claim.weights.count == (claim.strategy == .weighted ? claim.queues.count : 0), "weights for other queues")
        try require(claim.weights.allSatisfy { (1...1000).contains($0) }, "a weight out of its range")
    }

    private static func check(_ item: ExtendItem, in bytes: [UInt8]) throws {
        for json in [item.progress, item.checkpoint, item.log] { try check(item.job, item.token, json, in: bytes) }
        try require(item.checkpoint.map { $0.count <= 65_536 } ?? true, "a long checkpoint")
        if let log = item.log {
            let text = try JSONDocument(log).string
            try require(text.map { $0.utf8.count <= 3 * 4_096 } ?? false, "a long line")
            try require(text.map { !$0.utf8.contains(0x0A) && !$0.utf8.contains(0x0D) } ?? false, "more than one line")
        }
    }

    private static func check(_ job: JobName, _ token: String, _ json: [UInt8]?, in bytes: [UInt8]) throws {
        try require(JobName(job.description) == job, "job \(job)")
        try require((1...64).contains(token.utf8.count), "a token of \(token.utf8.count) bytes")
        if let json {
            _ = try JSONDocument(json)
            try require(contains(bytes, json), "the client's JSON changed")
        }
    }

    /// The document reader must agree on what is JSON, and must be able to walk all of it.
    private static func checkDocument(_ bytes: [UInt8]) throws {
        let isJSON = ReferenceJSON.accepts(bytes, objectOnly: false, allowsLoneSurrogates: true)
        guard let document = try? JSONDocument(bytes) else { return try require(!isJSON, "refused JSON") }
        try require(isJSON, "a document that is no JSON")
        for (name, value) in document.members ?? [] {
            try require(document[name] != nil, "a member is not found by its name")
            _ = value.string
            _ = value.double
            _ = value.integer
            for element in value.array ?? [] { _ = try JSONDocument(element.raw) }
        }
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard let first = part.first, part.count <= bytes.count else { return part.isEmpty }
        for start in 0...bytes.count - part.count where bytes[start] == first {
            if bytes[start..<start + part.count].elementsEqual(part) { return true }
        }
        return false
    }
}
