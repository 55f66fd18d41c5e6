// A sorted set as Redis has them: members with a score, ordered by score and then by the bytes of the member.
//
// The entries stand in blocks of at most 512, the blocks in one array: two binary searches find a place, an insertion
// moves at most one block's entries, and only every few hundred insertions or removals move the array of blocks. That
// is as good as a tree up to some millions of members and much simpler. What it leaves out: looking up the score of a
// member; its owner (the record) knows it.

/// The members of one state of a queue, in order.
struct ScoredSet {
    /// Scores are integers: a time in ms, a place in the queue (below 2^53 in size) or a stream id.
    struct Entry: Equatable, Comparable {
        var score: Int64
        var id: String
        static func < (a: Entry, b: Entry) -> Bool {
            if a.score != b.score { return a.score < b.score }
            // Swift's `<` of strings compares normalized characters; Redis compares bytes. Ids are ASCII: the same.
            return a.id < b.id
        }
    }

    private static let blockLimit = 512
    /// Never an empty block.
    private var blocks: [[Entry]] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var first: Entry? { blocks.first?.first }
    var last: Entry? { blocks.last?.last }

    mutating func insert(_ id: String, score: Int64) {
        let entry = Entry(score: score, id: id)
        count += 1
        guard !blocks.isEmpty else { return blocks.append([entry]) }
        let block = min(blockIndex(notBefore: entry), blocks.count - 1)
        blocks[block].insert(entry, at: Self.index(notBefore: entry, in: blocks[block]))
        guard blocks[block].count > Self.blockLimit else { return }
        // Members mostly come at the end: a full last block stays full, and a new one begins.
        let isLast = block == blocks.count - 1
        let cut = isLast ? Self.blockLimit : Self.blockLimit / 2
        let tail = Array(blocks[block][cut...])
        blocks[block].removeSubrange(cut...)
        blocks.insert(tail, at: block + 1)
    }

    /// False when it was not there.
    @discardableResult
    mutating func remove(_ id: String, score: Int64) -> Bool {
        let entry = Entry(score: score, id: id)
        let block = blockIndex(notBefore: entry)
        guard block < blocks.count else { return false }
        let index = Self.index(notBefore: entry, in: blocks[block])
        guard index < blocks[block].count, blocks[block][index] == entry else { return false }
        removeEntry(block, index)
        return true
    }

    mutating func popFirst() -> Entry? {
        guard let entry = first else { return nil }
        removeEntry(0, 0)
        return entry
    }

    private mutating func removeEntry(_ block: Int, _ index: Int) {
        count -= 1
        blocks[block].remove(at: index)
        if blocks[block].isEmpty { blocks.remove(at: block) }
    }

    /// At most `limit` entries after `position` (from the first one when nil), in order.
    func entries(after position: Entry? = nil, limit: Int) -> [Entry] {
        var found: [Entry] = []
        var (block, index) = position.map(place(after:)) ?? (0, 0)
        while found.count < limit, block < blocks.count {
            found += blocks[block][index...].prefix(limit - found.count)
            (block, index) = (block + 1, 0)
        }
        return found
    }

    /// At most `limit` entries before `position` (from the last one when nil), in reverse order.
    func entries(before position: Entry?, limit: Int) -> [Entry] {
        var found: [Entry] = []
        var (block, end) = position.map(place(notBefore:)) ?? (blocks.count, 0)
        while found.count < limit {
            if end == 0 {
                guard block > 0 else { break }
                block -= 1
                end = blocks[block].count
            }
            found += blocks[block][..<end].reversed().prefix(limit - found.count)
            end = 0
        }
        return found
    }

    /// How many entries stand behind `position`; a sum over the blocks.
    func count(after position: Entry) -> Int {
        let (block, index) = place(after: position)
        guard block < blocks.count else { return 0 }
        return blocks[block].count - index + blocks[(block + 1)...].reduce(0) { $0 + $1.count }
    }

    /// How many entries stand before `position`; a sum over the blocks.
    func count(before position: Entry) -> Int {
        let (block, index) = place(notBefore: position)
        return index + blocks[..<block].reduce(0) { $0 + $1.count }
    }

    /// The first entry with at least this score.
    func first(atLeast score: Int64) -> Entry? {
        let (block, index) = place(notBefore: Entry(score: score, id: ""))
        return block < blocks.count ? blocks[block][index] : nil
    }

    /// The last entry with less than this score.
    func last(below score: Int64) -> Entry? {
        entries(before: Entry(score: score, id: ""), limit: 1).first
    }

    private func place(after entry: Entry) -> (Int, Int) {
        let (block, index) = place(notBefore: entry)
        guard block < blocks.count, blocks[block][index] == entry else { return (block, index) }
        return index + 1 < blocks[block].count ? (block, index + 1) : (block + 1, 0)
    }

    private func place(notBefore entry: Entry) -> (Int, Int) {
        let block = blockIndex(notBefore: entry)
        return block < blocks.count ? (block, Self.index(notBefore: entry, in: blocks[block])) : (block, 0)
    }

    /// The first block whose last entry is not before `entry`; the number of blocks when there is none.
    private func blockIndex(notBefore entry: Entry) -> Int {
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle][blocks[middle].count - 1] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func index(notBefore entry: Entry, in block: [Entry]) -> Int {
        var (low, high) = (0, block.count)
        while low < high {
            let middle = (low + high) / 2
            if block[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
