// swift-tools-version:6.2
// What the loop costs, in a package of its own so that its products and settings stay out of the daemon's:
// `line-server` is the yardstick of the daemon's CPU a request, `loop-cost` shows what a ready connection costs.

import PackageDescription

let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "jobqd", path: "..")],
    targets: [
        .target(name: "LineEcho", dependencies: [.product(name: "Reactor", package: "jobqd")]),
        .executableTarget(
            name: "line-server", dependencies: ["LineEcho", .product(name: "Reactor", package: "jobqd")],
            path: "Sources/LineServer"),
        .executableTarget(
            name: "loop-cost", dependencies: ["LineEcho", .product(name: "Reactor", package: "jobqd")],
            path: "Sources/LoopCost"),
    ],
    swiftLanguageModes: [.v6]
)
