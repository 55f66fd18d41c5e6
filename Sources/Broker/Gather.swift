// One request with many jobs becomes one store call a queue; the answers come back in the request's order.

import Store

/// Collects the outcomes of a request whose items went to several queues.
final class Gather<Outcome> {
    private var outcomes: [Outcome?]
    private var missing: Int
    private var failure: StoreFailure?
    private let then: (Result<[Outcome], StoreFailure>) -> Void

    init(count: Int, then: @escaping (Result<[Outcome], StoreFailure>) -> Void) {
        outcomes = Array(repeating: nil, count: count)
        missing = count
        self.then = then
    }

    /// The outcomes of the items at `indexes`. The request fails when one queue's share did, though others may have
    /// taken effect: repeating it is safe.
    func take(_ result: Result<[Outcome], StoreFailure>, at indexes: [Int]) {
        switch result {
        case .success(let values):
            for (index, value) in zip(indexes, values) { outcomes[index] = value }
        case .failure(let error): failure = error
        }
        missing -= indexes.count
        guard missing == 0 else { return }
        if let failure { then(.failure(failure)) } else { then(.success(outcomes.compactMap { $0 })) }
    }

    /// Sends each queue's share through `call`, in order of first appearance.
    static func scatter<Item, Share>(
        _ items: [Item], queue: (Item) -> String, share: (Item) -> Share,
        call: ([Share], String, @escaping Completion<[Outcome]>) -> Void,
        then: @escaping (Result<[Outcome], StoreFailure>) -> Void
    ) {
        if let first = items.first, items.allSatisfy({ queue($0) == queue(first) }) {
            return call(items.map(share), queue(first), then)
        }
        var order: [String] = []
        var indexes: [String: [Int]] = [:]
        for (index, item) in items.enumerated() {
            let name = queue(item)
            if indexes[name] == nil { order.append(name) }
            indexes[name, default: []].append(index)
        }
        let gather = Gather(count: items.count, then: then)
        for name in order {
            let mine = indexes[name] ?? []
            call(mine.map { share(items[$0]) }, name) { gather.take($0, at: mine) }
        }
    }
}
