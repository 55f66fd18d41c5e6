// The Lua scripts as the link knows them: the common part, what some of them share, and the script itself, joined.
// The sources are files (Scripts/*.lua) that the build embeds; each begins with what it does, its KEYS, ARGV and reply.

public import Redis

/// The scripts of a job's life.
enum StoreScripts {
    static let enqueue = script(
        "enqueue", PackageResources.rules_lua, PackageResources.wake_lua, PackageResources.enqueue_lua,
        PackageResources.wish_lua, PackageResources.admit_lua, PackageResources.unheard_lua, PackageResources.tell_lua,
        PackageResources.told_lua)
    static let claim = script(
        "claim", PackageResources.rules_lua, PackageResources.take_lua, PackageResources.claim_lua,
        PackageResources.tell_lua, PackageResources.finish_lua, PackageResources.choose_lua,
        PackageResources.claim_special_lua, PackageResources.told_lua)
    static let handover = script(
        "handover", PackageResources.rules_lua, PackageResources.wake_lua, PackageResources.take_lua,
        PackageResources.handover_lua, PackageResources.wish_lua, PackageResources.admit_lua, PackageResources.tell_lua,
        PackageResources.finish_lua, PackageResources.choose_lua, PackageResources.handover_special_lua,
        PackageResources.told_lua)
    static let complete = script(
        "complete", PackageResources.rules_lua, PackageResources.token_lua, PackageResources.tell_lua,
        PackageResources.complete_lua)
    static let fail = script("fail", attempt, PackageResources.fail_lua)
    static let extend = script("extend", PackageResources.token_lua, PackageResources.extend_lua)
    static let release = script("release", attempt, PackageResources.release_lua)
    static let workerGone = script("worker_gone", attempt, PackageResources.worker_gone_lua)
    static let sweep = Script(
        name: "sweep",
        source: PackageResources.idle_lua + PackageResources.common_lua + attempt + PackageResources.sweep_lua)
    static let get = script("get", PackageResources.get_lua)
    static let list = script("list", PackageResources.scan_lua, PackageResources.list_lua)
    static let requeue = script(
        "requeue", PackageResources.wake_lua, PackageResources.renew_lua, PackageResources.requeue_lua)
    static let requeueMatching = script(
        "requeue_matching", PackageResources.wake_lua, PackageResources.renew_lua, PackageResources.scan_lua,
        PackageResources.requeue_matching_lua
    )
    static let cancel = script(
        "cancel", PackageResources.tell_lua, PackageResources.finish_lua, PackageResources.cancel_lua)
    static let delete = script("delete", removal, PackageResources.delete_lua)
    static let purge = script("purge", removal, PackageResources.scan_lua, PackageResources.purge_lua)
    static let removeQueue = script("remove_queue", removal, PackageResources.remove_queue_lua)
    static let configure = script("configure", PackageResources.configure_lua, PackageResources.policy_lua)
    static let policy = script("policy", PackageResources.policy_lua)
    static let check = script(
        "check", PackageResources.wake_lua, PackageResources.tell_lua, PackageResources.mend_lua,
        PackageResources.scan_lua, PackageResources.check_lua)
    static let lost = script("lost", PackageResources.lost_lua)
    static let held = script("held", PackageResources.token_lua, PackageResources.held_lua)
    static let pause = script("pause", PackageResources.pause_lua)
    static let resume = script("resume", PackageResources.wake_lua, PackageResources.resume_lua)
    static let statistics = script("statistics", PackageResources.statistics_lua)
    static let events = script("events", PackageResources.events_lua)
    static let beat = script("beat", PackageResources.beat_lua)
    static let look = script("look", PackageResources.look_lua)
    static let move = script("move", PackageResources.move_lua)
    static let strike = script("strike", PackageResources.strike_lua)
    static let logAll = script("log_all", PackageResources.log_all_lua)

    static let all = [
        enqueue, claim, handover, complete, fail, extend, release, workerGone, sweep, get, list, requeue,
        requeueMatching, cancel, delete, purge, removeQueue, configure, policy, check, held, lost, pause, resume,
        statistics, events, logAll, beat, look, move, strike,
    ]

    /// Not one of `all`: it goes out by EVAL, before anything is loaded.
    static let probe = Script(name: "probe", source: PackageResources.probe_lua)

    /// What ends attempts otherwise than well, with all that it needs.
    private static let attempt =
        PackageResources.token_lua + PackageResources.wake_lua + PackageResources.tell_lua
        + PackageResources.finish_lua + PackageResources.attempt_lua

    /// What removes jobs, with all that it needs.
    private static let removal =
        PackageResources.tell_lua + PackageResources.finish_lua + PackageResources.remove_lua

    private static func script(_ name: String, _ parts: [UInt8]...) -> Script {
        Script(name: name, source: PackageResources.common_lua + parts.joined())
    }
}

extension RedisStore {
    /// What the command link has to load: a store can only run on a link that was made with these.
    ///
    /// Pub/Sub knows no databases, and a script cannot ask in which it runs: so it is in the source. See `channel(_:_:)`.
    public static func scripts(database: Int) -> [Script] {
        let line = Array("local database = '\(channelTail(database))'\n".utf8)
        return StoreScripts.all.map { Script(name: $0.name, source: line + $0.source) }
    }

    /// What both links have to be permitted, with names as the store uses them.
    public static func rights(keyPrefix: String) -> RightsProbe {
        RightsProbe(
            script: StoreScripts.probe, key: "\(keyPrefix):{}:probe", channel: "\(keyPrefix):{}:probe",
            prefix: keyPrefix)
    }

    /// What the names of channels end with in this database. Those of database 0 are the names of keys.
    static func channelTail(_ database: Int) -> String { database == 0 ? "" : "@\(database)" }
}
