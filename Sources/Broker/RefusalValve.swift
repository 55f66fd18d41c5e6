// How often the log hears of refusals: one peer that asks again and again, over however many connections, must not
// fill it. No clock of its own.

/// One message a second for each user; what is not told is counted.
struct RefusalValve {
    private static let pauseUs: UInt64 = 1_000_000
    private static let mostUsers = 256
    private var users: [UInt32: (next: UInt64, unsaid: Int)] = [:]

    /// Whether a refusal of this user's request is told: how many were not told since the last one; nil: this one is not.
    mutating func pass(_ user: UInt32, at now: UInt64) -> Int? {
        if let known = users[user], now < known.next {
            users[user] = (known.next, known.unsaid + 1)
            return nil
        }
        let unsaid = users[user]?.unsaid ?? 0
        if users.count >= Self.mostUsers { users = users.filter { $0.value.next > now } }
        users[user] = (now + Self.pauseUs, 0)
        return unsaid
    }
}
