// What the daemon was told: one plain value, made once at the start and again at a reload.
//
// `Configuration.load` is the only way in. It gathers the layers (built-in, files, environment, command line), lets
// the table of settings check them, and says what to do: run, print something and leave, or fail. Each setting is
// described in one place, `Setting.all` in ConfigurationTable.swift; the initial values below only make the struct
// complete and are all overwritten from there. Left out: what concerns a queue, which lives in Redis.

import Broker
import Logging
import Wire

/// Where jobs are kept.
enum StoreKind: String, Sendable, CaseIterable {
    /// Redis or Valkey: the real one.
    case redis
    /// The reference model in memory, for people who test their own workers. Nothing survives the process.
    case memory
}

/// The settings of one daemon, checked.
struct Configuration: Sendable, Equatable {
    /// The main configuration file, whether or not it is there.
    var configFile = ""
    /// Where workers connect.
    var socket = ""
    /// A second socket for administrators, or nil.
    var adminSocket: String?
    /// Permission bits of the sockets.
    var socketMode: UInt16 = 0
    /// Name of the group that owns the sockets, or nil for the daemon's own.
    var socketGroup: String?
    var stateDirectory = ""
    /// 1…1 000 000.
    var maxConnections = 0
    /// Connections of one user; nil: half of all.
    var maxConnectionsPerUser: Int?
    /// Bytes that input, open requests and unread output of all connections may take.
    var memoryBytes = 0
    /// Longest request line in bytes, without its end.
    var lineBytes = 0
    /// Requests of one connection that may be open at a time.
    var inFlight = 0
    var storeKind = StoreKind.redis
    /// nil: a child `redis-server` in the state directory. May hold a password: print `redactedURL(_:)` of it only.
    var redisURL: String?
    /// Read anew at each connect; nil when the password is in the URL or there is none.
    var redisPasswordFile: String?
    /// When the daemon's own Redis brings what it writes to disk: `everysec` or `always`.
    var redisFsync = ""
    /// How much memory the daemon's own Redis may use for jobs, in bytes; 0: all.
    var redisMaxMemory: Int64 = 0
    /// First part of every key in Redis.
    var keyPrefix = ""
    /// How long Redis may take for one request.
    var requestTimeoutMs: Int64 = 0
    /// Where monitoring systems are served over HTTP: an address of the loopback interface or a path; nil: nowhere.
    var metricsListen: String?
    var logLevel = Logger.Level.info
    /// Who may do what, in the order in which the rules are asked.
    var access: [AccessRule] = []
    /// What each setting was set to, by its `changeName`: what the rest is made of. Tells what a reload changes.
    var settings: [String: [SettingValue]] = [:]
}

extension Configuration {
    /// The names of the settings that differ: those that a reload takes over, and those that need a restart.
    func changes(to new: Configuration) -> (taken: [String], left: [String]) {
        func names(isReloadable: Bool) -> [String] {
            let settings = Setting.all.filter { $0.isReloadable == isReloadable }
            let changed = settings.map(\.changeName).filter { self.settings[$0] != new.settings[$0] }
            return changed.enumerated().filter { $0.offset == 0 || changed[$0.offset - 1] != $0.element }.map(\.element)
        }
        return (names(isReloadable: true), names(isReloadable: false))
    }

    /// Takes the settings that may change in a running daemon from another configuration. What needs a restart stays,
    /// and is found changed again by the next reload.
    mutating func takeOver(_ new: Configuration) {
        logLevel = new.logLevel
        maxConnections = new.maxConnections
        maxConnectionsPerUser = new.maxConnectionsPerUser
        memoryBytes = new.memoryBytes
        access = new.access
        for setting in Setting.all where setting.isReloadable {
            settings[setting.changeName] = new.settings[setting.changeName]
        }
    }

    /// What to do after the settings were read.
    enum Outcome: Sendable, Equatable {
        /// Serve.
        case run(Configuration)
        /// Write the text to standard output and leave with the status.
        case print(String, exitCode: Int32)
        /// Write the message (one or more lines, each a problem, without an end of line) to standard error and leave.
        case failure(String, exitCode: Int32)
    }

    /// Version of the daemon.
    static let version = Release.version
    /// `EX_USAGE` of sysexits.h: the command line is wrong.
    static let usageError: Int32 = 64
    /// `EX_CONFIG` of sysexits.h: a file or the environment is wrong.
    static let configurationError: Int32 = 78

    /// Reads the command line, the environment and the configuration files.
    ///
    /// Precedence: command line, environment, `FILE.d/*.conf` (a later name wins), FILE, built-in. All problems are
    /// collected, so that one run shows them all.
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: name and value; variables that are not ours are not looked at.
    static func load(arguments: [String], environment: [String: String]) -> Outcome {
        var layers = ConfigurationLayers()
        let commandLine = CommandLineLayer(arguments)
        if commandLine.wantsHelp { return .print(Setting.helpText, exitCode: 0) }
        if commandLine.wantsVersion { return .print("jobqd \(version)\n", exitCode: 0) }

        layers.addBuiltIn()
        layers.add(environment: environment)
        layers.add(commandLine)
        layers.addFiles()
        layers.addCredential(environment: environment)
        layers.checkTogether()
        if !layers.problems.isEmpty {
            let texts = layers.problems.map(\.message).joined(separator: "\n")
            let isUsage = layers.problems.contains { $0.isUsage }
            return .failure(texts, exitCode: isUsage ? usageError : configurationError)
        }
        if commandLine.wantsDump { return .print(layers.dump(), exitCode: 0) }
        if commandLine.wantsCheck { return .print(layers.checkReport(), exitCode: 0) }
        return .run(layers.configuration)
    }
}
