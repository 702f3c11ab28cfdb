// swift-tools-version:5.9
// The generated types of what the engine returns; `swift build` compiles them.

import PackageDescription

let package = Package(
    name: "Tollway",
    products: [.library(name: "Tollway", targets: ["Tollway"])],
    targets: [.target(name: "Tollway")]
)
