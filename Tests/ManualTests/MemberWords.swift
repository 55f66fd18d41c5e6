// How the manual puts what a member's value may be: the words in the parentheses behind its name.

import Wire

extension MemberSpec {
    /// `integer from 0 to 600000, default 0`
    var manualNote: String {
        switch self.default {
        case .required: "\(type.manualWords), required"
        case .none: type.manualWords
        case .bool(let value): "\(type.manualWords), default \(value)"
        case .integer(let value): "\(type.manualWords), default \(value)"
        case .number(let value): "\(type.manualWords), default \(value)"
        case .word(let value): "\(type.manualWords), default \(value)"
        case .json(let value): "\(type.manualWords), default \(value)"
        }
    }
}

extension MemberType {
    fileprivate var manualWords: String {
        switch self {
        case .bool: "boolean"
        case .integer(Int64.min...Int64.max): "integer"
        case .integer(let range): "integer from \(range.lowerBound) to \(range.upperBound)"
        case .number(let range): "number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
        case .text(let range) where range.lowerBound == 0: "string of at most \(range.upperBound) bytes"
        case .text(let range): "string of \(range.lowerBound) to \(range.upperBound) bytes"
        case .string: "string"
        case .queueName: "queue name"
        case .jobName: "job name"
        case .jobID: "job id"
        case .queueTerms(let max): "array of 1 to \(max) queue names or patterns"
        case .word(let choice): "one of \(choice.words.joined(separator: ", "))"
        case .words: "array of event kinds"
        case .topicName: "topic name"
        case .glob: "pattern"
        case .globs(let max): "array of 1 to \(max) patterns"
        case .eventID: "event seq"
        case .requestID: "request id"
        case .weights(let range): "object of integers from \(range.lowerBound) to \(range.upperBound)"
        case .json: "any JSON"
        case .smallJSON(let bytes): "any JSON of at most \(bytes) bytes"
        case .logLine(let bytes): "string of at most \(bytes) bytes without line breaks"
        case .object(let bytes): "object of at most \(bytes) bytes"
        case .failure(let bytes): "string or object of at most \(bytes) bytes"
        case .shape: "object"
        case .list(_, let max): "array of 1 to \(max) objects"
        }
    }
}
