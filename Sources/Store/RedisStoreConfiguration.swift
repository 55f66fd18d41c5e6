// What a RedisStore needs from outside, chance included: tests put fixed numbers in its place.

public import Logging

extension RedisStore {
    /// Names, limits and chance of a store.
    public struct Configuration {
        public var keyPrefix: String
        /// For `status`, without secrets.
        public var address: String
        /// Channels are told apart by it.
        public var database: Int
        public var requestTimeoutMs: Int64
        /// Marks our own wake-up messages: unique among the daemons of one Redis.
        public var origin: String
        /// 0 ≤ random < 1, for the jitter of backoffs.
        public var random: () -> Double
        /// 64 random bits, for tokens.
        public var randomBits: () -> UInt64
        public var logger: Logger

        public init(
            keyPrefix: String = "jobq", address: String, database: Int = 0, requestTimeoutMs: Int64 = 5_000,
            origin: String,
            random: @escaping () -> Double = { .random(in: 0..<1) },
            randomBits: @escaping () -> UInt64 = { .random(in: .min ... .max) },
            logger: Logger = Logger(label: "jobqd.store") { _ in SwiftLogNoOpLogHandler() }
        ) {
            self.keyPrefix = keyPrefix
            self.address = address
            self.database = database
            self.requestTimeoutMs = requestTimeoutMs
            self.origin = origin
            self.random = random
            self.randomBits = randomBits
            self.logger = logger
        }
    }
}
