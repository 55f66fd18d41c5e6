// jobqd-redis(7) against the keys of a store in which everything was used, both ways: keys with their types, and the fields
// of the hashes.

import Harness
import Testing

@Suite(.timeLimit(.minutes(2))) struct KeysPageTests {
    private let page: ManualPage
    private let keys: Keyspace

    init() throws {
        page = try ManualPage("jobqd-redis.7")
        keys = try Keyspace(of: UsedStore().redis)
    }

    /// A key as the page has it, with words for the names in it.
    private static func pattern(_ key: String) -> String {
        key.replacing(/\{[^}]+\}/, with: "{queue}").replacing(/:job:.*$/, with: ":job:id")
            .replacing(/:unique:.*$/, with: ":unique:key").replacing(/^jobq:topic:.*$/, with: "jobq:topic:topic")
    }

    private static func type(_ value: Keyspace.Value) -> String {
        switch value {
        case .string: "string"
        case .hash: "hash"
        case .set: "set"
        case .sortedSet: "sorted set"
        case .list: "list"
        case .stream: "stream"
        }
    }

    @Test func everyKeyIsDescribedWithItsTypeAndNoOther() {
        let found = Set(keys.values.map { "\(Self.pattern($0.key)) (\(Self.type($0.value)))" })
        let described = page.items("Pa", in: "KEYS").filter { !$0.note.isEmpty }
        #expect(Set(described.map { "\($0.names[0].name) (\($0.note))" }) == found)
    }

    @Test(arguments: [("job", ":job:"), ("counters", ":counters"), ("policy", ":policy")])
    func everyFieldIsDescribedAndNoOther(mark: String, part: String) {
        let described = Set(page.items.filter { $0.marks["hash"] == mark }.flatMap { $0.names.map(\.name) })
        let hashes = keys.values.keys.filter { $0.contains(part) }.map { keys.hash($0) }
        let found = Set(hashes.flatMap(\.keys).map { $0.hasPrefix("log:") ? "log:n" : $0 })
        #expect(described == found)
    }

    @Test func fieldsOfADeadLetterAreDescribed() throws {
        let item = try #require(page.items("Pa").first { $0.names[0].name == "jobq:{queue}:dead" })
        let letters = keys.values.keys.filter { $0.hasSuffix(":dead") }.flatMap { keys.stream($0) }
        #expect(!letters.isEmpty)
        for field in Set(letters.flatMap(\.fields.keys)) { #expect(item.body.contains(field), "\(field)") }
    }
}
