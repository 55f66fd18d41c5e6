// How many places clients take, in all and by user. A connection takes one, and so does a worker in its grace: it may come
// back, and holds a descriptor until then. Administrators' connections have places of their own and are not here.

/// The places taken by clients.
struct ConnectionPlaces {
    private(set) var count = 0
    private var byUser: [UInt32: Int] = [:]

    func count(of user: UInt32) -> Int { byUser[user] ?? 0 }

    mutating func take(for user: UInt32) {
        count += 1
        byUser[user, default: 0] += 1
    }

    mutating func leave(_ user: UInt32) {
        count -= 1
        let left = count(of: user) - 1
        byUser[user] = left > 0 ? left : nil
    }
}
