// The tests' own JSON values: whole numbers, fractions and booleans must stay apart, else a test could take `1` for
// `true`. Only what the tests lean on is shown; the daemon's reader and writer are tested elsewhere.

import Foundation
import Harness
import Testing

@Suite struct JSONTests {
    @Test func valuesOfEveryKindAreReadAsWhatTheyAre() throws {
        let text = #"{"a":[1,-9223372036854775808,1.0,2.5e3,0,true,false,null,"é\n\u0001"],"b":{"c":{}},"d":[]}"#
        let value = try JSON(parsing: text.utf8)
        #expect(value["a"][0] == 1 && value["a"][1] == .int(.min) && value["a"][3] == 2500.0)
        #expect(value["a"][4] == 0 && value["a"][4] != false && value["a"][5] == true && value["a"][5] != 1)
        #expect(value["a"][6] == false && value["a"][7].isNull && value["a"][8] == "é\n\u{1}")
        #expect(value["b"] == ["c": [:]] && value["d"] == [] && !value.has("e"))
        #expect(try JSON(parsing: value.description.utf8) == value)
    }

    @Test(arguments: [
        "", "{\"a\":}", "[1,]", "01", "1.", "-", "1e", "tru", "\"\\x\"", "\"a", "{\"a\" 1}", "[] []", "\u{1}",
    ])
    func whatIsNoJSONIsRefused(_ text: String) {
        #expect(throws: HarnessError.self) { try JSON(parsing: text.utf8) }
    }
}
