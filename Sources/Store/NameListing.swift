// All names of a set, in their order, without a turn that grows with their number: read in pages, sorted page by page, and
// merged in pieces.

import HeapModule
import Reactor

/// Merges sorted runs of names, some at a time; a name that stands in several runs comes once.
struct NameMerge {
    private struct Head: Comparable {
        let name: String
        let run: Int
        let place: Int
        static func < (a: Head, b: Head) -> Bool { a.name < b.name }
    }
    private var runs: [[String]] = []
    private var heads = Heap<Head>()
    private(set) var names: [String] = []

    /// Adds a run in any order.
    mutating func add(_ names: [String]) {
        guard !names.isEmpty else { return }
        let sorted = names.sorted()
        heads.insert(Head(name: sorted[0], run: runs.count, place: 0))
        runs.append(sorted)
    }

    /// Merges at most so many; false: all are merged.
    mutating func goOn(_ most: Int) -> Bool {
        for _ in 0..<most {
            guard let head = heads.popMin() else { return false }
            if names.last != head.name { names.append(head.name) }
            let next = head.place + 1
            if next < runs[head.run].count {
                heads.insert(Head(name: runs[head.run][next], run: head.run, place: next))
            }
        }
        return !heads.isEmpty
    }
}

extension RedisStore {
    private static let namesMergedAtOnce = 500

    public func queues(then: @escaping Completion<[String]>) { listNames(nil, NameMerge(), then) }

    private func listNames(_ cursor: String?, _ merge: NameMerge, _ then: @escaping Completion<[String]>) {
        queuePage(cursor: cursor) { [self] result in
            switch result {
            case .failure(let failure): then(.failure(failure))
            case .success(let page):
                var merge = merge
                merge.add(page.names)
                if let cursor = page.cursor { return listNames(cursor, merge, then) }
                loop.inPieces {
                    if merge.goOn(Self.namesMergedAtOnce) { return true }
                    then(.success(merge.names))
                    return false
                }
            }
        }
    }
}
