// Cursors that were never given out are told from those that were.

import Store
import Testing

@Suite struct ListCursorTests {
    @Test(arguments: ["0", "17:01KA8Q4M3VJ5W2N7R0TXYZABCD", "-35184372088831 a", "1763680000123-0", "500"])
    func cursorsOfAStoreArePlausible(_ cursor: String) {
        #expect(ListCursor.isPlausible(cursor))
    }

    @Test(arguments: ["", "x", "-", "--1:a", "17a", "99999999999999999999:a", ":a", "+1"])
    func otherTextIsNot(_ cursor: String) {
        #expect(!ListCursor.isPlausible(cursor))
    }
}
