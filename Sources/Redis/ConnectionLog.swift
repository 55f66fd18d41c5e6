// What a connection tells the log: once that Redis is away or of no use and why, once that it is back.
//
// Tries go on every two seconds for as long as a loss lasts. That Redis is away is told once, and once each way in which it
// refuses; again only when it was there in between for longer than a moment, since a server that lets us in and breaks off
// at once would fill the log. A server that is started together with the daemon gets a moment in which its absence is no
// news.

import Logging
import Reactor

struct ConnectionLog {
    private let logger: Logger
    private let address: RedisAddress
    /// The refusals that were told since Redis was there for longer than a moment, and "" for that it was away.
    private var told: Set<String> = []
    /// When it became ready the last time, if it is or was; µs of the loop's clock.
    private var readySince: UInt64?
    /// The present loss was told: so is its end.
    private var isTold = true
    /// Until then (µs of the loop's clock) nobody is told that the server is not there; nil once it was.
    var quietUntil: UInt64?

    /// A connection that lasted longer was well, and its end is news.
    private static let moment: UInt64 = 5_000_000
    private static let mostTold = 8

    init(logger: Logger, address: RedisAddress) {
        self.logger = logger
        self.address = address
    }

    func connecting(to place: SocketAddress) {
        logger.debug("connecting to Redis", metadata: ["address": "\(place)"])
    }

    /// - Parameter isRefusal: Redis answers, but cannot be used.
    mutating func away(_ why: String, isRefusal: Bool, now: UInt64) {
        let metadata: Logger.Metadata = ["address": "\(address)", "problem": "\(why.printable)"]
        if let readySince, now - readySince >= Self.moment { told = [] }
        readySince = nil
        if let quietUntil, now < quietUntil, !isRefusal {
            logger.debug("Redis is not there yet", metadata: metadata)
        } else if told.count >= Self.mostTold || !told.insert(isRefusal ? why : "").inserted {
            logger.debug("Redis is still away", metadata: metadata)
        } else {
            if isRefusal {
                logger.warning(
                    "Redis cannot be used: \(why.printable)", metadata: MessageID.redisRefuses.with(metadata))
            } else {
                logger.warning("Redis is away: \(why.printable)", metadata: MessageID.redisAway.with(metadata))
            }
            isTold = true
        }
    }

    /// A connection that only listens says less: the command link has said it.
    mutating func listening(now: UInt64) {
        over(now)
        logger.debug("listening to Redis", metadata: ["address": "\(address)"])
    }

    mutating func ready(_ facts: ServerFacts?, now: UInt64) {
        let version = facts?.version ?? ""
        let role = facts?.role ?? ""
        let metadata: Logger.Metadata = ["address": "\(address)", "version": "\(version)", "role": "\(role)"]
        if isTold {
            logger.notice("connected to Redis", metadata: MessageID.redisBack.with(metadata))
            for warning in facts?.warnings ?? [] { logger.warning("\(warning)", metadata: MessageID.redisRisk.with()) }
        } else {
            logger.debug("connected to Redis again", metadata: metadata)
        }
        over(now)
    }

    private mutating func over(_ now: UInt64) {
        readySince = now
        isTold = false
        quietUntil = nil
    }
}
