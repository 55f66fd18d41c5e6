// Which store this run has: Redis somewhere, a Redis of its own, or memory. Starts it and ends it.

import Logging
import Reactor
import Redis
import Store

/// The store with what it stands on.
final class StoreBackend {
    let store: any JobStore
    /// The store cannot be had at all: why. The daemon should end.
    var onFailure: ((_ why: PrivateRedisFailure) -> Void)?
    /// Whether there is anything to serve with: false until a Redis of the daemon's own has loaded its files.
    private(set) var hasServed: Bool
    private let loop: Loop
    private let child: PrivateRedis?
    private let links: (commands: RedisLink, subscriptions: SubscriptionLink)?
    private let redisStore: RedisStore?
    private let begin: () -> Void

    init(_ configuration: Configuration, loop: Loop, log: Logger) throws(StartFailure) {
        self.loop = loop
        hasServed = configuration.storeKind == .memory || configuration.redisURL != nil
        switch configuration.storeKind {
        case .memory:
            let memory = MemoryStore(loop: loop)
            store = memory
            redisStore = nil
            child = nil
            links = nil
            begin = { loop.atTurnEnd { memory.flush() } }
            log.warning("jobs are kept in memory only: all are lost when this process ends")
        case .redis:
            let (redis, child) = try Self.redis(configuration, loop: loop, log: log)
            let database = redis.address.database
            let rights = RedisStore.rights(keyPrefix: configuration.keyPrefix)
            let commands = RedisLink(
                loop: loop, configuration: redis, scripts: RedisStore.scripts(database: database), rights: rights,
                logger: log)
            let subscriptions = SubscriptionLink(loop: loop, configuration: redis, rights: rights, logger: log)
            let redisStore = RedisStore(
                loop: loop, link: commands, subscriptions: subscriptions,
                configuration: RedisStore.Configuration(
                    keyPrefix: configuration.keyPrefix, address: "\(redis.address)", database: database,
                    requestTimeoutMs: configuration.requestTimeoutMs, origin: Self.origin(), logger: log))
            redisStore.isStarting = child != nil
            store = redisStore
            self.redisStore = redisStore
            links = (commands, subscriptions)
            self.child = child
            begin = {
                child?.start()
                redisStore.start()
            }
        }
        child?.onFailure = { [unowned self] why in onFailure?(why) }
        child?.lastHeardAt = { [unowned self] in links?.commands.lastHeardAt ?? 0 }
    }

    /// The store's status has changed, or a second has passed.
    func look() {
        redisStore?.diskProblem = child?.diskProblem
        guard !hasServed, store.status.isReady else { return }
        hasServed = true
        redisStore?.isStarting = false
        child?.served()
    }

    /// Begins to connect, after starting the child Redis if there is one.
    func start() { begin() }

    /// After the store was closed: the links, and last the child Redis.
    func stop(then: @escaping () -> Void) {
        links?.subscriptions.stop()
        links?.commands.stop()
        if let child { child.stop(then: then) } else { loop.deferred(then) }
    }

    private static func redis(
        _ configuration: Configuration, loop: Loop, log: Logger
    ) throws(StartFailure) -> (RedisConfiguration, PrivateRedis?) {
        do {
            var child: PrivateRedis?
            let address: RedisAddress
            if let url = configuration.redisURL {
                address = try RedisAddress.parse(url)
            } else {
                var settings = PrivateRedisSettings()
                settings.fsync = configuration.redisFsync
                settings.maxMemory = configuration.redisMaxMemory
                let own = try PrivateRedis(
                    loop: loop, stateDirectory: configuration.stateDirectory, settings: settings, logger: log)
                child = own
                address = own.address
            }
            let password = configuration.redisPasswordFile.map(RedisConfiguration.password(fromFile:))
            var redis = RedisConfiguration(
                address: address, password: child == nil ? password : nil, clientName: "jobqd",
                requestTimeoutMs: configuration.requestTimeoutMs)
            // Until it has served it is starting, however long it loads.
            if child != nil { redis.startingMs = 86_400_000 }
            return (redis, child)
        } catch {
            throw StartFailure(message: "\(error)", exitCode: Configuration.configurationError)
        }
    }

    /// Tells this daemon's wake-up messages from those of others: 64 random bits.
    private static func origin() -> String { String(UInt64.random(in: .min ... .max), radix: 16) }
}
