// The one table of settings. Command line, environment, files, --check-config, --dump-config, --help and the test that
// the manual is complete all come from it; nothing about a setting is written anywhere else.
//
// A default stands here as text and goes through the same parser as what a user writes.

import Broker
import Logging

/// One setting: its names, its type, its default, and where its value goes.
struct Setting: Sendable {
    /// Its name: that of the option on the command line, if it is one, without the dashes: `socket-mode`.
    let option: String
    /// Section and key of a file, `[Server] SocketMode=`; nil for what a file cannot set.
    let section: String?
    let key: String?
    /// Environment variables; the first that is set and not empty counts.
    let environment: [String]
    let type: ValueType
    /// Word for the value in --help.
    let placeholder: String
    /// As in a file; nil: not set.
    let standard: String?
    /// Whether a reload (SIGHUP) takes a new value over; others need a restart.
    let isReloadable: Bool
    /// One or two sentences for --help, --dump-config and the manual.
    let documentation: String
    /// Puts a value into the configuration.
    let assign: @Sendable (inout Configuration, SettingValue) -> Void

    /// The setting that names the main file; the only one that a file cannot contain.
    static let configFileOption = "config"

    /// A path with a `-` before it is one of a file that may be missing, as in units (systemd.exec(5), EnvironmentFile=).
    static func optionalFile(_ text: String) -> (path: String, isOptional: Bool) {
        text.hasPrefix("-") ? (String(text.dropFirst()), true) : (text, false)
    }

    static func named(_ option: String) -> Setting? { all.first { $0.option == option } }

    /// It can be given on the command line; others stand in files only.
    var isOption: Bool { !type.isList }

    /// What a reload calls it when it changed. The settings of one list are one thing: their order counts.
    var changeName: String { type.isList ? (section ?? option).lowercased() : option }
}

extension Setting {
    /// In the order of --help and of the sections of --dump-config.
    static let all: [Setting] = server + access + limits + store + log + metrics

    private static let server = [
        Setting(
            option: configFileOption, section: nil, key: nil, environment: ["JOBQD_CONFIG"],
            type: .path(maxBytes: 4095),
            placeholder: "FILE", standard: "/etc/jobqd/jobqd.conf", isReloadable: false,
            documentation: "Main configuration file. FILE.d/*.conf are read after it, in the order of their names."
                + " With a \"-\" before its path the file may be missing.",
            assign: { $0.configFile = optionalFile($1.text).path }),
        Setting(
            option: "socket", section: "Server", key: "Socket", environment: ["JOBQD_SOCKET"],
            type: .path(maxBytes: SettingValue.longestSocketPath), placeholder: "PATH",
            standard: "/run/jobqd/jobqd.sock",
            isReloadable: false, documentation: "Unix socket where workers and producers connect.",
            assign: { $0.socket = $1.text }),
        Setting(
            option: "admin-socket", section: "Server", key: "AdminSocket", environment: ["JOBQD_ADMIN_SOCKET"],
            type: .path(maxBytes: SettingValue.longestSocketPath), placeholder: "PATH", standard: nil,
            isReloadable: false, documentation: "Second Unix socket, for administrators.",
            assign: { $0.adminSocket = $1.text }),
        Setting(
            option: "socket-mode", section: "Server", key: "SocketMode", environment: ["JOBQD_SOCKET_MODE"],
            type: .mode, placeholder: "MODE", standard: "0660", isReloadable: false,
            documentation: "Permissions of the sockets, octal.", assign: { $0.socketMode = UInt16($1.number) }),
        Setting(
            option: "socket-group", section: "Server", key: "SocketGroup", environment: ["JOBQD_SOCKET_GROUP"],
            type: .name(maxBytes: 64), placeholder: "GROUP", standard: nil, isReloadable: false,
            documentation: "Group of the sockets; without it, the daemon's group.",
            assign: { $0.socketGroup = $1.text }),
        Setting(
            option: "state-dir", section: "Server", key: "StateDirectory",
            environment: ["JOBQD_STATE_DIR", "STATE_DIRECTORY"], type: .path(maxBytes: 4095), placeholder: "DIR",
            standard: "/var/lib/jobqd", isReloadable: false,
            documentation: "Directory of the daemon's data, such as its own Redis. Created (0700) if missing.",
            assign: { $0.stateDirectory = $1.text }),
    ]

    private static let access = [
        Setting(
            option: "access-allow", section: "Access", key: "Allow", environment: [], type: .rule(.allow),
            placeholder: "RULE", standard: nil, isReloadable: true,
            documentation:
                "Allow requests that match all these words: user= group= unit= op= queue=, each with one value or several"
                + " with commas. The first Allow= or Deny= that matches decides; without one, administration is refused"
                + " and all else allowed. Administrators are never refused. May be given more than once; empty: drop the"
                + " rules so far.",
            assign: { $0.access.append($1.rule) }),
        Setting(
            option: "access-deny", section: "Access", key: "Deny", environment: [], type: .rule(.deny),
            placeholder: "RULE", standard: nil, isReloadable: true,
            documentation: "Refuse requests that match; as Allow=.",
            assign: { $0.access.append($1.rule) }),
    ]

    private static let limits = [
        Setting(
            option: "max-connections", section: "Limits", key: "MaxConnections",
            environment: ["JOBQD_MAX_CONNECTIONS"], type: .count(1...1_000_000), placeholder: "N", standard: "10000",
            isReloadable: true, documentation: "Most connections at a time; further ones wait until one ends.",
            assign: { $0.maxConnections = Int($1.number) }),
        Setting(
            option: "max-connections-per-user", section: "Limits", key: "MaxConnectionsPerUser",
            environment: ["JOBQD_MAX_CONNECTIONS_PER_USER"], type: .count(1...1_000_000), placeholder: "N",
            standard: nil, isReloadable: true,
            documentation: "Connections of one user; further ones are refused. Without it, half of MaxConnections= for"
                + " each user but root and the daemon's own.",
            assign: { $0.maxConnectionsPerUser = Int($1.number) }),
        Setting(
            option: "memory-bytes", section: "Limits", key: "MemoryBytes", environment: ["JOBQD_MEMORY_BYTES"],
            type: .size(4 << 20...1 << 40), placeholder: "SIZE", standard: "256M", isReloadable: true,
            documentation:
                "Memory that input, open requests and unread output of all connections may take. Beyond it, connections"
                + " that hold most are not read from, and then dropped.",
            assign: { $0.memoryBytes = Int($1.number) }),
        Setting(
            option: "line-bytes", section: "Limits", key: "LineBytes", environment: ["JOBQD_LINE_BYTES"],
            type: .size(1024...16 << 20), placeholder: "SIZE", standard: "1M", isReloadable: false,
            documentation: "Longest request line.", assign: { $0.lineBytes = Int($1.number) }),
        Setting(
            option: "in-flight", section: "Limits", key: "InFlight", environment: ["JOBQD_IN_FLIGHT"],
            type: .count(1...65_536), placeholder: "N", standard: "256", isReloadable: false,
            documentation:
                "Most open requests of one connection; then the daemon stops reading from it until one is answered.",
            assign: { $0.inFlight = Int($1.number) }),
    ]

    private static let store = [
        Setting(
            option: "store", section: "Store", key: "Kind", environment: ["JOBQD_STORE"],
            type: .choice(StoreKind.allCases.map(\.rawValue)), placeholder: "KIND", standard: "redis",
            isReloadable: false,
            documentation: "redis, or memory: for testing workers; all jobs are lost when the daemon ends.",
            assign: { $0.storeKind = StoreKind(rawValue: $1.text) ?? .redis }),
        Setting(
            option: "redis", section: "Redis", key: "Url", environment: ["JOBQD_REDIS"], type: .redisURL,
            placeholder: "URL", standard: nil, isReloadable: false,
            documentation:
                "unix:///path[?db=N] or redis://[user[:password]@]host[:port][/N]. Without it the daemon starts"
                + " a redis-server of its own in the state directory.",
            assign: { $0.redisURL = $1.text }),
        Setting(
            option: "redis-password-file", section: "Redis", key: "PasswordFile",
            environment: ["JOBQD_REDIS_PASSWORD_FILE"], type: .path(maxBytes: 4095), placeholder: "FILE",
            standard: nil, isReloadable: false,
            documentation: "File with the password of Redis, read at each connect. Without it"
                + " $CREDENTIALS_DIRECTORY/jobqd.redis-password, if it exists.",
            assign: { $0.redisPasswordFile = $1.text }),
        Setting(
            option: "redis-fsync", section: "Redis", key: "Fsync", environment: ["JOBQD_REDIS_FSYNC"],
            type: .choice(["everysec", "always"]), placeholder: "WHEN", standard: "everysec", isReloadable: false,
            documentation: "When the daemon's own Redis brings what it writes to disk: everysec, or always, before each"
                + " acknowledgement. Has no effect with Url=.",
            assign: { $0.redisFsync = $1.text }),
        Setting(
            option: "redis-max-memory", section: "Redis", key: "MaxMemory", environment: ["JOBQD_REDIS_MAX_MEMORY"],
            type: .size(0...1 << 50), placeholder: "SIZE", standard: "0", isReloadable: false,
            documentation: "Memory that the daemon's own Redis may use for jobs; then new ones are refused with"
                + " store_full. 0: no limit. Has no effect with Url=.",
            assign: { $0.redisMaxMemory = $1.number }),
        Setting(
            option: "key-prefix", section: "Redis", key: "KeyPrefix", environment: ["JOBQD_KEY_PREFIX"],
            type: .name(maxBytes: 64), placeholder: "NAME", standard: "jobq", isReloadable: false,
            documentation: "First part of every key in Redis.", assign: { $0.keyPrefix = $1.text }),
        Setting(
            option: "request-timeout-ms", section: "Redis", key: "RequestTimeoutSec",
            environment: ["JOBQD_REQUEST_TIMEOUT_MS"], type: .duration(10...3_600_000), placeholder: "N",
            standard: "5s", isReloadable: false,
            documentation: "How long Redis may take to answer one request; then it counts as away.",
            assign: { $0.requestTimeoutMs = $1.number }),
    ]

    private static let log = [
        Setting(
            option: "log-level", section: "Log", key: "Level", environment: ["JOBQD_LOG_LEVEL"],
            type: .choice(Logger.Level.allCases.map(\.rawValue)), placeholder: "LEVEL", standard: "info",
            isReloadable: true,
            documentation: "Least important messages to log: trace, debug, info, notice, warning, error or critical.",
            assign: { $0.logLevel = Logger.Level(rawValue: $1.text) ?? .info })
    ]

    private static let metrics = [
        Setting(
            option: "metrics-listen", section: "Metrics", key: "Listen", environment: ["JOBQD_METRICS_LISTEN"],
            type: .localAddress, placeholder: "ADDRESS", standard: nil, isReloadable: false,
            documentation:
                "Where to serve GET /metrics and /healthz over HTTP: 127.0.0.1:9187, [::1]:9187 or the path"
                + " of a Unix socket. Without it, nowhere.",
            assign: { $0.metricsListen = $1.text })
    ]
}
