// Arguments in the form of the Redis protocol.

import Testing

@testable import Redis

@Suite struct CommandBufferTests {
    private func text(_ buffer: CommandBuffer) -> String { String(decoding: buffer.bytes, as: UTF8.self) }

    @Test func argumentsAreBulkStringsAndCounted() {
        var buffer = CommandBuffer("SET")
        buffer.append("schlüssel")
        buffer.append(bytes: [0, 13, 10])
        buffer.append("")
        #expect(buffer.count == 4)
        #expect(text(buffer) == "$3\r\nSET\r\n$10\r\nschlüssel\r\n$3\r\n\0\r\n\r\n$0\r\n\r\n")
    }

    @Test(arguments: [0, 1, 9, 10, 99, 100, -1, -10, 1_700_000_000_000, Int64.max, Int64.min])
    func integersAreDecimal(number: Int64) {
        var buffer = CommandBuffer()
        buffer.append(integer: number)
        #expect(text(buffer) == "$\("\(number)".count)\r\n\(number)\r\n")
    }

    @Test func buffersAreJoinedAndEmptied() {
        var first = CommandBuffer("A")
        var second = CommandBuffer("B", "C")
        first.append(second)
        second.removeAll()
        #expect(first.count == 3)
        #expect(text(first) == "$1\r\nA\r\n$1\r\nB\r\n$1\r\nC\r\n")
        #expect(second.count == 0 && second.bytes.isEmpty)
    }

    @Test func headOfACommandIsNoArgument() {
        var buffer = CommandBuffer()
        buffer.begin(arguments: 120)
        #expect(text(buffer) == "*120\r\n")
        #expect(buffer.count == 0)
    }

    @Test func wipedBytesAreZeroInPlace() {
        var secret = Array("geheim".utf8)
        let before = secret.withUnsafeBytes { $0.baseAddress }
        secret.wipe()
        #expect(secret == [0, 0, 0, 0, 0, 0])
        #expect(secret.withUnsafeBytes { $0.baseAddress } == before)
    }

    @Test func authenticationNamesTheUserOnlyWhenThereIsOne() throws {
        let address = try RedisAddress(host: "h")
        let secret: () -> [UInt8]? = { Array("pw".utf8) }
        let plain = RedisConfiguration(address: address, password: secret).authentication()
        let named = RedisConfiguration(address: address, username: "worker", password: secret).authentication()
        #expect(text(try #require(plain)) == "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n")
        #expect(text(try #require(named)) == "*3\r\n$4\r\nAUTH\r\n$6\r\nworker\r\n$2\r\npw\r\n")
        #expect(RedisConfiguration(address: address).authentication() == nil)
        #expect(RedisConfiguration(address: address, password: { nil }).authentication() == nil)
    }
}
