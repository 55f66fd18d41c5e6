// swift-tools-version:6.2
// One daemon, one admin tool, one client library. `architecture` of the modules: arrows go one way only,
// jobqd → Broker → Store → Redis → Reactor, and each C header is imported by exactly one module.

import PackageDescription

/// What every module of ours is compiled with: warnings are errors of style we do not keep.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "jobqd",
    products: [
        .executable(name: "jobqd", targets: ["jobqd"]),
        .executable(name: "jobqctl", targets: ["jobqctl"]),
        .library(name: "JobqClient", targets: ["JobqClient"]),
        // For the packages below Benchmarks/ and Tests/Fuzz/, which measure and fuzz these modules.
        .library(name: "Wire", targets: ["Wire"]),
        .library(name: "Reactor", targets: ["Reactor"]),
        .library(name: "FuzzBodies", targets: ["FuzzBodies"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .systemLibrary(name: "CHiredis"),
        .systemLibrary(name: "CSystemd"),
        .target(name: "Wire", swiftSettings: strict),
        .target(
            name: "Reactor", dependencies: ["CSystemd", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "Redis",
            dependencies: [
                "CHiredis", "Reactor", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "Store",
            dependencies: [
                "Redis", "Reactor", "Wire", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], resources: [.embedInCode("Scripts")], swiftSettings: strict),
        .target(
            name: "Broker",
            dependencies: [
                "Store", "Reactor", "Wire", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "jobqd",
            dependencies: [
                "Broker", "Store", "Redis", "Reactor", "Wire", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "JobqClient", dependencies: ["Wire"], swiftSettings: strict),
        .target(name: "CSpawn"),
        .executableTarget(
            name: "jobqctl",
            dependencies: [
                "JobqClient", "Wire", "CSpawn", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),

        // Tests. Harness: redis-server and jobqd of a test's own, a line client, waiting with a deadline.
        .target(name: "Harness", path: "Tests/Harness", swiftSettings: strict),
        // What the fuzz targets check, which WireTests runs over their corpus.
        .target(name: "FuzzBodies", dependencies: ["Wire"], path: "Tests/FuzzBodies", swiftSettings: strict),
        .testTarget(name: "WireTests", dependencies: ["Wire", "FuzzBodies", "Harness"], swiftSettings: strict),
        .testTarget(
            name: "ReactorTests",
            dependencies: ["Reactor", "Harness", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "RedisTests",
            dependencies: ["Redis", "Reactor", "Harness", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "Redis", "Reactor", "Wire", "Harness"], swiftSettings: strict),
        .testTarget(
            name: "BrokerTests", dependencies: ["Broker", "Store", "Reactor", "Wire", "Harness"], swiftSettings: strict),
        .testTarget(name: "JobqClientTests", dependencies: ["JobqClient", "Wire"], swiftSettings: strict),
        .testTarget(
            name: "ConfigurationTests",
            dependencies: [
                "jobqd", "jobqctl", "JobqClient", "Broker", "Wire", "Harness",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "ProtocolTests", dependencies: ["Broker", "JobqClient", "Wire", "Harness", "jobqd", "jobqctl"],
            swiftSettings: strict),
        .testTarget(
            name: "CrashTests", dependencies: ["JobqClient", "Wire", "Harness", "jobqd"], swiftSettings: strict),
        // Runs below a systemd of its own, with the installed package: Tests/System/with-systemd.sh.
        .testTarget(name: "SystemTests", dependencies: ["Harness"], swiftSettings: strict),
        // The pages below man/ against what they describe.
        .testTarget(
            name: "ManualTests", dependencies: ["Broker", "Reactor", "Wire", "Harness", "jobqd", "jobqctl"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
