// The claims that wait for one queue, or for the queues that match one pattern, oldest first.
//
// A list whose nodes the claims keep: a claim comes, is woken and ends in one step, however many others wait. A line
// counts the claims that need it, in line or not, and who pays for it: the connection, and the user, whose claim was the
// first to need it. So names that somebody makes up are counted where they come from.

/// How many names somebody has this daemon listen to.
final class NameCount {
    var names = 0
}

/// A claim's place in one line.
final class ClaimPlace {
    /// Good as long as the place is: a claim keeps its places until it ends.
    unowned let claim: WaitingClaim
    let line: ClaimLine
    /// Of the claim's queues.
    let index: Int
    fileprivate(set) var isListed = false
    fileprivate unowned var previous: ClaimPlace?
    fileprivate unowned var next: ClaimPlace?

    init(_ claim: WaitingClaim, _ line: ClaimLine, _ index: Int) {
        self.claim = claim
        self.line = line
        self.index = index
    }
}

/// Claims that wait for one name.
class ClaimLine: RecencyItem {
    /// Of a queue, or a pattern.
    let name: String
    private unowned var head: ClaimPlace?
    private unowned var tail: ClaimPlace?
    /// Claims that need it.
    var users = 0
    /// Who pays for it.
    var payers: (connection: NameCount, user: NameCount)?
    var unusedSince: UInt64?

    init(_ name: String) { self.name = name }

    var isEmpty: Bool { head == nil }

    /// The oldest claim's place.
    var first: ClaimPlace? { head }

    /// In the order of arrival: a new claim goes to the end, one that was tried in vain to near the head, from where it
    /// came.
    func insert(_ place: ClaimPlace) {
        guard !place.isListed else { return }
        place.isListed = true
        let number = place.claim.number
        guard let last = tail, last.claim.number > number else {
            place.previous = tail
            tail?.next = place
            if head == nil { head = place }
            tail = place
            return
        }
        var next = head
        while let here = next, here.claim.number < number { next = here.next }
        place.next = next
        place.previous = next?.previous
        if let previous = place.previous { previous.next = place } else { head = place }
        next?.previous = place
    }

    func remove(_ place: ClaimPlace) {
        guard place.isListed else { return }
        place.isListed = false
        if let previous = place.previous { previous.next = place.next } else { head = place.next }
        if let next = place.next { next.previous = place.previous } else { tail = place.previous }
        place.previous = nil
        place.next = nil
    }
}
