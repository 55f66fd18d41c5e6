// An example of the protocol: `> request` and `< reply` lines, as they stand in the page, played to a real daemon.
//
// What no two runs have alike is compared by its kind: a time stands for any time, and an id, token, session or seq of the
// page for the one that came in its place, there and in all lines behind it.

import Harness

struct LineExample {
    /// Requests and replies, each joined to one line, without their signs.
    let steps: [(isRequest: Bool, text: String)]

    init(_ display: ManualPage.Display) {
        var steps: [(isRequest: Bool, text: String)] = []
        for line in display.lines {
            if line.hasPrefix("> ") || line.hasPrefix("< ") {
                steps.append((line.hasPrefix(">"), String(line.dropFirst(2))))
            } else if !steps.isEmpty {
                steps[steps.count - 1].text += line.trimmingSpaces
            }
        }
        self.steps = steps
    }

    /// Sends the requests and compares what comes back; returns the names of all members that came.
    func play(_ client: LineClient) throws -> Set<String> {
        var actual: [String: String] = [:]
        var members: Set<String> = []
        for step in steps {
            if step.isRequest {
                let text = actual.sorted { $0.key.count > $1.key.count }
                    .reduce(step.text) { $0.replacing($1.key, with: $1.value) }
                try client.sendRaw(text + "\n")
            } else {
                let expected = try JSON(parsing: step.text.utf8)
                let got = try client.receive()
                guard Self.matches(expected, got, "", &actual) else {
                    throw HarnessError("the page has \(expected), but there came \(got)")
                }
                Self.collect(got, &members)
            }
        }
        return members
    }

    private static func matches(
        _ expected: JSON, _ got: JSON, _ name: String, _ actual: inout [String: String]
    ) -> Bool {
        switch (expected, got) {
        case (.object(let mine), .object(let theirs)):
            return mine.keys == theirs.keys && mine.allSatisfy { matches($1, theirs[$0]!, $0, &actual) }
        case (.array(let mine), .array(let theirs)):
            return mine.count == theirs.count && zip(mine, theirs).allSatisfy { matches($0, $1, name, &actual) }
        case (.int(let mine), .int(let theirs)) where mine > 1_000_000_000_000: return theirs > 1_000_000_000_000
        case (.string(let mine), .string(let theirs))
        where ["job", "token", "session", "seq", "version"].contains(name):
            return actual.updateValue(theirs, forKey: mine).map { $0 == theirs } ?? true
        default: return expected == got
        }
    }

    /// Members at every level but inside of what is the client's own.
    private static func collect(_ value: JSON, _ members: inout Set<String>) {
        for (name, inner) in value.object {
            members.insert(name)
            if !["payload", "meta", "result", "progress", "checkpoint"].contains(name) { collect(inner, &members) }
        }
        for item in value.array { collect(item, &members) }
    }
}
