// What a Redis tells about itself when we connect (INFO, CONFIG GET save), and whether we can live with it.
//
// Three answers: fine, fine with warnings (it may lose jobs), or refused (too old, a replica, still loading). A server
// that keeps INFO from us is taken with a warning; its error replies will tell soon enough.

/// The facts of the preflight.
public struct ServerFacts: Equatable, Sendable {
    /// `redis_version`, e.g. `7.0.15`; Valkey reports the version it is compatible with. Empty when not told.
    public var version = ""
    /// `master` or `slave`, in the words of INFO. Empty when not told.
    public var role = ""
    /// Where a replica's primary is, `host:port`.
    var primary = ""
    var isLoading = false
    var policy = ""
    var appendOnly: Bool?
    /// The `save` setting; nil when CONFIG is forbidden. Empty: no snapshots.
    var save: String?

    /// Nothing known.
    public init() {}

    /// The lowest version whose commands the scripts use.
    static let oldest = [6, 2]

    /// Reads the text of INFO: `name:value` lines.
    mutating func read(info: String) {
        for line in info.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            read(name: line[..<colon], value: String(line[line.index(after: colon)...]))
        }
    }

    private mutating func read(name: Substring, value: String) {
        switch name {
        case "redis_version": version = value.printable
        case "role": role = value.printable
        case "master_host": primary = value.printable
        case "master_port": primary += ":" + value.printable
        case "loading": isLoading = value != "0"
        case "maxmemory_policy": policy = value.printable
        case "aof_enabled": appendOnly = value != "0"
        default: break
        }
    }

    /// Why this server cannot be used, or nil.
    var refusal: String? {
        if let problem = tooOld { return problem }
        if isLoading { return "LOADING Redis is loading its data" }
        if role == "slave" {
            return "READONLY this Redis is a replica of \(primary); the primary is needed"
        }
        return nil
    }

    private var tooOld: String? {
        guard !version.isEmpty else { return nil }
        let parts = version.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
        guard parts.lexicographicallyPrecedes(Self.oldest) else { return nil }
        return "Redis \(version) is too old; 6.2 or later is needed"
    }

    /// What an operator must know although it works. Each a sentence for the log.
    public var warnings: [String] {
        var warnings: [String] = []
        if version.isEmpty {
            warnings.append("INFO is not permitted: version, role, eviction and persistence of Redis are unchecked")
        }
        if !policy.isEmpty, policy != "noeviction" {
            warnings.append("maxmemory-policy is \(policy): Redis will LOSE JOBS under memory pressure; set noeviction")
        }
        if appendOnly == false, save == "" {
            warnings.append("neither AOF nor snapshots are on: all jobs are gone when this Redis restarts")
        }
        return warnings
    }
}
