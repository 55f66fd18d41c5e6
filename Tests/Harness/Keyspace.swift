// All keys under a prefix as values, read in one atomic step (one EVAL), so that it is a consistent picture also while
// a daemon works on them. For test-sized keyspaces only: it is O(number of keys). It leaves out keys of other prefixes.

/// What Redis holds at one moment.
public struct Keyspace: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case string(String)
        case hash([String: String])
        case set(Set<String>)
        case sortedSet([String: Double])
        case list([String])
        /// Entries in order: id and fields.
        case stream([StreamEntry])
    }
    public struct StreamEntry: Equatable, Sendable {
        public var id: String
        public var fields: [String: String]
        public init(id: String, fields: [String: String]) {
            self.id = id
            self.fields = fields
        }
    }

    public var values: [String: Value] = [:]
    /// Keys with a time to live: its end, ms since the epoch.
    public var expiries: [String: Int64] = [:]
    /// The server's time, ms since the epoch.
    public var now: Int64 = 0

    public init() {}

    /// Reads all keys that begin with `prefix` and a colon.
    public init(of server: RedisServer, prefix: String = "jobq") throws {
        try self.init(prefix: prefix) { try server.command($0) }
    }

    /// The same over any way to send a command.
    public init(prefix: String = "jobq", command: ([String]) throws -> RedisReply) throws {
        let reply = try command(["EVAL", Self.script, "0", "\(prefix):*"])
        guard case .array(let parts) = reply, parts.count == 2 else { throw HarnessError("no keyspace: \(reply)") }
        now = Int64(parts[0].int ?? 0)
        for part in parts[1].array {
            let item = part.array
            guard item.count == 4, let key = item[0].string, let type = item[1].string else { continue }
            values[key] = try Self.value(type, item[3])
            if let expiry = item[2].int, expiry >= 0 { expiries[key] = Int64(expiry) }
        }
    }

    /// Returns {time in ms, {{key, type, PEXPIRETIME, content}, …}}.
    private static let script = """
        local readers = {
          string = {'GET'}, hash = {'HGETALL'}, set = {'SMEMBERS'}, zset = {'ZRANGE', '0', '-1', 'WITHSCORES'},
          list = {'LRANGE', '0', '-1'}, stream = {'XRANGE', '-', '+'}
        }
        local found = {}
        for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
          local type = redis.call('TYPE', key).ok
          local reader = readers[type]
          if reader then
            local content = redis.call(reader[1], key, unpack(reader, 2))
            found[#found + 1] = {key, type, redis.call('PEXPIRETIME', key), content}
          end
        end
        local time = redis.call('TIME')
        return {time[1] * 1000 + math.floor(time[2] / 1000), found}
        """

    private static func value(_ type: String, _ content: RedisReply) throws -> Value {
        switch type {
        case "string": return .string(content.string ?? "")
        case "hash": return .hash(content.dictionary)
        case "set": return .set(Set(content.strings))
        case "zset": return .sortedSet(content.dictionary.mapValues { Double($0) ?? .nan })
        case "list": return .list(content.strings)
        case "stream":
            return .stream(
                content.array.map { StreamEntry(id: $0.array[0].string ?? "", fields: $0.array[1].dictionary) })
        default: throw HarnessError("a key of type \(type)")
        }
    }

    /// The hash under this key, empty when there is none.
    public func hash(_ key: String) -> [String: String] {
        if case .hash(let fields) = values[key] { fields } else { [:] }
    }
    /// Members and scores, empty when there is no such sorted set.
    public func sortedSet(_ key: String) -> [String: Double] {
        if case .sortedSet(let members) = values[key] { members } else { [:] }
    }
    public func list(_ key: String) -> [String] {
        if case .list(let items) = values[key] { items } else { [] }
    }
    public func stream(_ key: String) -> [StreamEntry] {
        if case .stream(let entries) = values[key] { entries } else { [] }
    }

    /// Names of all queues that have any key, sorted.
    public func queues(prefix: String = "jobq") -> [String] {
        let opening = "\(prefix):{"
        let names = values.keys.compactMap { key -> String? in
            guard key.hasPrefix(opening), let end = key.firstIndex(of: "}") else { return nil }
            return String(key[key.index(key.startIndex, offsetBy: opening.count)..<end])
        }
        return Set(names).sorted()
    }
}
