// What the two sides of the model test answer, in a form that can be compared.

import Wire

@testable import Store

/// What came back.
enum ModelReply: Equatable {
    case enqueued([Enqueued])
    case claimed([Claimed])
    case tokens([TokenOutcome])
    case extended([ExtendOutcome])
    case swept(Swept)
    case requeued([RequeueOutcome])
    case record(JobRecord?)
    case cancelled([CancelOutcome])
    case deleted([DeleteOutcome])
    case held([HeldOutcome])
    case policy(QueuePolicy?)
    case topics([TopicBinding])
    case done
    case paused(QueuePause?)
    case existed(Bool)
    case statistics(QueueStatistics?)
    case names([String])
    case failure(StoreFailure)
}

extension ModelReply {
    private var items: [String] {
        switch self {
        case .enqueued(let items): items.map { "\($0)" }
        case .claimed(let items): items.flatMap { ["paused \($0.paused)"] + $0.jobs.map { "\($0)" } }
        case .tokens(let items): items.map { "\($0)" }
        case .extended(let items): items.map { "\($0)" }
        case .held(let items): items.map { "\($0)" }
        case .requeued(let items): items.map { "\($0)" }
        case .cancelled(let items): items.map { "\($0)" }
        case .deleted(let items): items.map { "\($0)" }
        default: ["\(self)"]
        }
    }

    /// Where two replies are not the same.
    func difference(from model: ModelReply) -> String {
        let (redis, model) = (items, model.items)
        return (0..<max(redis.count, model.count)).compactMap { index in
            let (seen, expected) = (index < redis.count ? redis[index] : "-", index < model.count ? model[index] : "-")
            return seen == expected ? nil : "  [\(index)]\n   redis: \(seen)\n   model: \(expected)"
        }.joined(separator: "\n")
    }
}
