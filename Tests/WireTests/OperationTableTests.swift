// The table against the protocol: every operation, every member, and each bound of each range from both sides.

import Testing
import Wire

@Suite struct OperationTableTests {
    /// A smallest good request of every operation, without its closing brace.
    private func base(_ operation: OperationName, without member: String = "") -> String {
        let one = #""job":"q/1","token":"t""#
        let members =
            switch operation {
            case .enqueue, .pause, .configure, .removeQueue: #""queue":"q""#
            case .resume: member == "worker" ? "" : #""queue":"q""#
            case .publish: #""topic":"t""#
            case .bind, .unbind: #""topic":"t","queue":"q""#
            case .cancelWait: #""target":1"#
            case .delete, .wait, .cancel: #""job":"q/1""#
            case .claim: member == "queues" ? #""max":1"# : #""queue":"q""#
            case .get: #""job":"q/1""#
            case .complete, .fail, .extend, .release: one
            case .list, .purge: #""queue":"q","state":"dead""#
            case .requeue: #""queue":"q","state":"dead""#
            case .hello, .ping, .info, .queues, .stats, .reclaim, .subscribe, .unsubscribe, .topics, .workers, .quiet,
                .drain, .check, .metrics, .reload:
                ""
            }
        return #"{"op":""# + operation.text.description + #"""# + (members.isEmpty ? "" : "," + members)
    }

    /// A request with one more member; what the base has of that name is left out.
    private func line(_ operation: OperationName, _ member: String, _ value: String) -> String {
        let parts = base(operation, without: value == "null" ? "" : member).dropFirst().split(separator: ",")
        let others = parts.filter { !$0.hasPrefix("\"\(member)\":") }
        return "{" + (others + ["\"\(member)\":\(value)"]).joined(separator: ",") + "}"
    }

    @Test func everyOperationIsInTheTableInOrder() {
        #expect(OperationTable.operations.map { $0.name } == OperationName.allCases)
        for operation in OperationTable.operations { #expect(!operation.doc.description.isEmpty) }
    }

    @Test func theSmallestRequestOfEveryOperationIsAccepted() throws {
        for operation in OperationName.allCases {
            #expect(try decode(base(operation) + "}").operation.name == operation)
        }
    }

    @Test func everyIntegerIsCheckedAtBothEnds() throws {
        var checked = 0
        for operation in OperationTable.operations {
            for member in operation.members.members {
                guard case .integer(let range) = member.type, range.lowerBound != .min else { continue }
                checked += 1
                for value in [range.lowerBound, range.upperBound] {
                    #expect(throws: Never.self) { try decode(line(operation.name, member.name, "\(value)")) }
                }
                let message =
                    "\(member.name) must be an integer from \(range.lowerBound) to \(range.upperBound)"
                let outside = [
                    "\(range.lowerBound - 1)", "\(range.upperBound + 1)", "99999999999999999999",
                    "-99999999999999999999",
                    "1.0", "1e0", "\"1\"", "true", "[]", "{}",
                ]
                for value in outside {
                    try expectBadRequest(line(operation.name, member.name, value), field: member.name, message)
                }
            }
        }
        #expect(checked == 35)
    }

    @Test func theRangesAreThoseOfTheProtocol() {
        let expected = [
            "enqueue.priority -100 100", "enqueue.delay_ms 0 315360000000", "enqueue.run_at 0 253402300799999",
            "enqueue.max_attempts 1 1000", "enqueue.lease_ms 100 86400000", "enqueue.keep_ms 0 31536000000",
            "claim.wait_ms 0 600000", "claim.max 1 100", "claim.lease_ms 100 86400000", "hello.grace_ms 0 600000",
            "fail.retry_in_ms 0 315360000000", "extend.lease_ms 100 86400000", "release.delay_ms 0 315360000000",
            "list.limit 1 500", "requeue.limit 1 500", "pause.until 0 253402300799999",
            "enqueue.expires_in_ms 1 315360000000", "publish.expires_in_ms 1 315360000000", "publish.priority -100 100",
            "wait.wait_ms 0 600000", "purge.older_than_ms 0 315360000000", "purge.limit 1 500",
            "configure.max_attempts 1 1000", "configure.lease_ms 100 86400000", "configure.keep_ms 0 31536000000",
            "configure.keep_count 0 10000000", "configure.dead_keep_ms 0 315360000000",
            "configure.dead_keep_count 0 10000000", "configure.max_len 1 1000000000", "configure.aging_ms 1 86400000",
        ]
        let found = OperationTable.operations.flatMap { operation in
            operation.members.members.compactMap { member -> String? in
                guard case .integer(let range) = member.type else { return nil }
                return "\(operation.name).\(member.name) \(range.lowerBound) \(range.upperBound)"
            }
        }
        for range in expected { #expect(found.contains(range), "\(range)") }
    }

    @Test func everyTextIsCheckedAtBothEnds() throws {
        var checked = 0
        for operation in OperationTable.operations {
            for member in operation.members.members where member.name != "op" {
                guard case .text(let range) = member.type else { continue }
                checked += 1
                for count in [range.lowerBound, range.upperBound] {
                    let value = "\"" + String(repeating: "x", count: count) + "\""
                    #expect(throws: Never.self) { try decode(line(operation.name, member.name, value)) }
                }
                let message = "\(member.name) must be \(member.type.phrase)"
                let short = String(repeating: "x", count: max(0, range.lowerBound - 1))
                let outside =
                    ["5", "true", "[]", "\"\(String(repeating: "x", count: range.upperBound + 1))\""]
                    + ["\\u0000", "a\\nb", "\\u001f", "\\u007f", "\u{7F}", "\u{80}", "\\u009f"].map {
                        "\"\($0)\""
                    }
                    + (range.lowerBound > 0 ? ["\"\(short)\""] : [])
                for value in outside {
                    try expectBadRequest(line(operation.name, member.name, value), field: member.name, message)
                }
                let beyondASCII = "\"\u{A0}\u{E9}\\u00e9\u{1F600}\""
                #expect(throws: Never.self) { try decode(line(operation.name, member.name, beyondASCII)) }
            }
        }
        #expect(checked == 13)
    }

    @Test func lengthsAreCountedInBytesOfTheText() throws {
        #expect(throws: Never.self) {
            try decode(line(.hello, "worker", "\"" + String(repeating: "\u{E9}", count: 64) + "\""))
        }
        #expect(throws: RequestError.self) {
            try decode(line(.hello, "worker", "\"" + String(repeating: "\u{E9}", count: 65) + "\""))
        }
        #expect(throws: Never.self) {
            try decode(line(.hello, "worker", "\"" + String(repeating: "\\u00e9", count: 64) + "\""))
        }
    }

    @Test func everyTruthValueIsTrueOrFalse() throws {
        for operation in OperationTable.operations {
            for member in operation.members.members {
                guard case .bool = member.type else { continue }
                for value in ["true", "false"] {
                    #expect(throws: Never.self) { try decode(line(operation.name, member.name, value)) }
                }
                for value in ["0", "1", "\"true\"", "[]"] {
                    try expectBadRequest(
                        line(operation.name, member.name, value), field: member.name,
                        "\(member.name) must be true or false")
                }
            }
        }
    }

    @Test func everyWordIsOneOfItsChoice() throws {
        for operation in OperationTable.operations {
            for member in operation.members.members {
                guard case .word(let choice) = member.type else { continue }
                for word in choice.words {
                    #expect(throws: Never.self) { try decode(line(operation.name, member.name, "\"\(word)\"")) }
                }
                for value in ["\"\"", "\"nothing\"", "5", "\"\(choice.words[0].uppercased())\""] {
                    try expectBadRequest(
                        line(operation.name, member.name, value), field: member.name,
                        "\(member.name) must be \(member.type.phrase)")
                }
            }
        }
    }

    @Test func queueNamesKeepTheirRule() throws {
        let good = ["a", "A9_", "_x", "9", "report.daily-2", "a.", String(repeating: "q", count: 64)]
        let bad = [
            "", ".a", "-a", "a b", "a/b", "a:b", "a{b}", "\u{E9}", "a\\u0000", "a\\n",
            String(repeating: "q", count: 65),
        ]
        for operation in OperationTable.operations {
            for member in operation.members.members {
                guard case .queueName = member.type else { continue }
                for name in good {
                    #expect(throws: Never.self) { try decode(line(operation.name, member.name, "\"\(name)\"")) }
                }
                for value in bad.map({ "\"\($0)\"" }) + ["5", "[\"a\"]"] {
                    try expectBadRequest(
                        line(operation.name, member.name, value), field: member.name,
                        "queue must be a queue's name: 1 to 64 of A-Z a-z 0-9 _ . - and no . or - at the beginning")
                }
            }
        }
    }

    @Test func jobNamesKeepTheirRule() throws {
        let longest = String(repeating: "q", count: 64) + "/" + String(repeating: "i", count: 64)
        let good = ["email/01KA8Q4M3VJ5W2N7R0TXYZABCD", "a/b", "a/.:-_9", "a\\/b", "\\u0061/b", longest]
        let bad = [
            "", "a", "/", "a/", "/b", "a/b/c", ".a/b", "a/b c", "a/\u{E9}", "a/b\\u0000", longest + "i", "q" + longest,
        ]
        for operation in [OperationName.get, .complete, .fail, .extend, .release] {
            for name in good {
                #expect(throws: Never.self) { try decode(line(operation, "job", "\"\(name)\"")) }
            }
            for value in bad.map({ "\"\($0)\"" }) + ["5", "{}"] {
                try expectBadRequest(
                    line(operation, "job", value), field: "job",
                    "job must be a job's name: its queue, a slash and its id")
            }
        }
    }

    @Test func whatIsRequiredIsMissed() throws {
        for operation in OperationTable.operations {
            for member in operation.members.members where member.name != "op" {
                guard case .required = member.default else { continue }
                try expectBadRequest(
                    line(operation.name, member.name, "null"), field: member.name, "\(member.name) is missing")
            }
        }
    }

    /// Names in both words of the set of members.
    @Test func everyMemberMayStandOnlyOnce() throws {
        for operation in OperationTable.operations {
            for member in operation.members.members where member.name != "op" && member.name != "id" {
                try expectBadRequest(
                    "{\"op\":\"\(operation.name.text)\",\"\(member.name)\":null,\"\(member.name)\":1}",
                    field: member.name,
                    "\(member.name) is there twice")
            }
        }
    }

    @Test func aMemberOfAnotherOperationIsUnknown() throws {
        let names = Set(OperationTable.operations.flatMap { $0.members.members.map { $0.name } })
        #expect(names.count > 45)
        for operation in OperationTable.operations {
            let own = Set(operation.members.members.map { $0.name })
            for name in names.subtracting(own) {
                let error = try refusal(line(operation.name, name, "null")).error
                #expect(error.code == .badRequest && error.field == name, "\(operation.name) \(name)")
            }
        }
    }

    @Test func nullCountsAsAbsentForEveryOptionalMember() throws {
        for operation in OperationTable.operations {
            let plain = try decode(base(operation.name) + "}")
            for member in operation.members.members where !base(operation.name).contains("\"\(member.name)\"") {
                let request = try decode(line(operation.name, member.name, "null"))
                if case .json = member.type, member.name != "id" { continue }
                if case .smallJSON = member.type { continue }
                if operation.name == .configure, member.name != "id" { continue }
                if member.name == "payload" { continue }
                #expect("\(request.operation)" == "\(plain.operation)", "\(operation.name).\(member.name)")
            }
        }
    }

    @Test func everyMemberIsDocumented() {
        let sets =
            OperationTable.operations.map { $0.members } + ObjectShape.allCases.map { OperationTable.members(of: $0) }
        for set in sets {
            for member in set.members {
                #expect(!member.doc.description.isEmpty)
                #expect(!member.type.phrase.isEmpty)
            }
        }
    }
}
