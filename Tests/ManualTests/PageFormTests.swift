// What every page has: the form that mandoc(1) asks for, and references that lead somewhere.

import Harness
import Testing

/// The pages below man/.
enum ManualPages {
    static let names = (try? TextFile.names(in: "man").filter { $0.wholeMatch(of: /.*\.[1-8]/) != nil }) ?? []
}

@Suite struct PageFormTests {
    @Test func allPagesAreThere() {
        let expected = ["jobqctl.1", "jobqd-protocol.7", "jobqd-redis.7", "jobqd.8", "jobqd.conf.5"]
        #expect(ManualPages.names == expected)
    }

    @Test(arguments: ManualPages.names) func mandocHasNoWarning(name: String) throws {
        let page = try ManualPage(name)
        let result = try Program.run("mandoc", ["-T", "lint", "-W", "warning", page.path])
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.isEmpty)
    }

    @Test(arguments: ManualPages.names) func nothingIsWiderThanATerminal(name: String) throws {
        let page = try ManualPage(name)
        let result = try Program.run("sh", ["-c", "mandoc -T utf8 '\(page.path)' | sed 's/.\\x08//g'"])
        let wide = result.output.split(separator: "\n").filter { $0.count > 80 }
        #expect(wide.isEmpty, "\(wide)")
    }

    @Test(arguments: ManualPages.names) func ownPagesThatAreReferredToExist(name: String) throws {
        for match in try ManualPage(name).source.matches(of: /(?m)^\.Xr (jobq\S+) (\d)/) {
            #expect(ManualPages.names.contains("\(match.1).\(match.2)"), "\(match.0)")
        }
    }

    @Test(arguments: ManualPages.names) func subsectionsThatAreReferredToExist(name: String) throws {
        let source = try ManualPage(name).source
        let titles = Set(source.matches(of: /(?m)^\.S[hs] (.*)$/).map { String($0.1) })
        for match in source.matches(of: /(?m)^\.Sx (.*?)(?: [.,;:)]+)?$/) {
            #expect(titles.contains(String(match.1)), "\(match.0)")
        }
    }
}
