// What a connection tells the log: once that Redis is away and why, once that it is back.
//
// Tries go on every two seconds for as long as a loss lasts; a problem is told again only when it changes or was over in
// between. A server that is started together with the daemon gets a moment in which its absence is no news.

import Logging
import Reactor

struct ConnectionLog {
    private let logger: Logger
    private let address: RedisAddress
    private var lastTold: String?
    /// Until then (µs of the loop's clock) nobody is told that the server is not there; nil once it was.
    var quietUntil: UInt64?

    init(logger: Logger, address: RedisAddress) {
        self.logger = logger
        self.address = address
    }

    func connecting(to place: SocketAddress) {
        logger.debug("connecting to Redis", metadata: ["address": "\(place)"])
    }

    mutating func away(_ why: String, now: UInt64) {
        let metadata: Logger.Metadata = ["address": "\(address)", "problem": "\(why.printable)"]
        if let quietUntil, now < quietUntil {
            logger.debug("Redis is not there yet", metadata: metadata)
        } else if why == lastTold {
            logger.debug("Redis is still away", metadata: metadata)
        } else {
            logger.warning("Redis is away: \(why.printable)", metadata: MessageID.redisAway.with(metadata))
            lastTold = why
        }
    }

    /// A connection that only listens says less: the command link has said it.
    mutating func listening() {
        over()
        logger.debug("listening to Redis", metadata: ["address": "\(address)"])
    }

    mutating func ready(_ facts: ServerFacts?) {
        over()
        let version = facts?.version ?? ""
        let role = facts?.role ?? ""
        logger.notice(
            "connected to Redis",
            metadata: MessageID.redisBack.with([
                "address": "\(address)", "version": "\(version)", "role": "\(role)",
            ]))
        for warning in facts?.warnings ?? [] { logger.warning("\(warning)", metadata: MessageID.redisRisk.with()) }
    }

    private mutating func over() {
        lastTold = nil
        quietUntil = nil
    }
}
