// swift-tools-version: 6.2
import PackageDescription

// The house as code: targets floor by floor. A target imports only floors below its own; ARCHITECTURE.md
// explains why, and `tools/check` refuses an import that is not declared here.

#if arch(x86_64)
  /// One CPU level for every Swift target: mixed levels let inlined bodies change level between modules.
  /// `main` refuses a processor without AVX2 in words before any of this code runs.
  let cpuLevel: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=x86-64-v3"])]
#else
  let cpuLevel: [SwiftSetting] = []
#endif

let swift: [SwiftSetting] =
  cpuLevel + [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
    .unsafeFlags(
      ["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
  ]

func floor(_ name: String, uses dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swift)
}

func tests(_ name: String, uses dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: dependencies, resources: resources, swiftSettings: swift)
}

let package = Package(
  name: "pulsehouse",
  products: [.executable(name: "pulsehouse", targets: ["pulsehouse"])],
  targets: [
    // Floor 0: C. System libraries are a module map and a shim; CKernels is ours.
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPgQuery", providers: [.apt(["libpg-query-dev"])]),
    .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev"])]),
    .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    // Opened at run time by the room itself, so nothing is linked: see its shim.
    .systemLibrary(name: "CRdKafka", providers: [.apt(["librdkafka-dev"])]),
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3"])]),

    // Floor 1: bytes and files, the client of Kafka, and YAML.
    floor("Bytes", uses: ["CZstd", "CKernels"]),
    floor("Kafka", uses: ["CRdKafka", "Bytes"]),
    floor("YAML", uses: ["CYaml", "Bytes"]),

    // Floor 2: the vocabulary of data in memory.
    floor("Vectors", uses: ["Bytes"]),

    // Floor 3: text to syntax, loops over vectors, codecs.
    floor("SQLSyntax", uses: ["CPgQuery", "Bytes"]),
    floor("Kernels", uses: ["Vectors", "Bytes", "CKernels"]),
    floor("Encodings", uses: ["Vectors", "Bytes", "CKernels"]),

    // Floor 4: plans, files on disk, catalog.
    floor("Planning", uses: ["SQLSyntax", "Vectors", "Bytes"], exclude: ["DIFFERENCES.md"]),
    floor("Segments", uses: ["Encodings", "Vectors", "Bytes"], exclude: ["FORMAT.md"]),
    floor("Metadata", uses: ["CSQLite", "Vectors", "Bytes"]),
    floor("Parquet", uses: ["Vectors", "Bytes"]),

    // Floor 5: plans run.
    floor("Execution", uses: ["Planning", "Kernels", "Segments", "Encodings", "Vectors", "Bytes"]),

    // Floor 6: one warehouse.
    floor(
      "Engine",
      uses: [
        "Execution", "Planning", "SQLSyntax", "Segments", "Metadata", "Parquet", "Kernels", "Encodings", "Vectors",
        "Bytes",
      ]),

    // Floor 7: data arrives, is transformed, is simulated.
    floor(
      "Ingestion",
      uses: [
        "Engine", "Execution", "Planning", "Segments", "SQLSyntax", "Kernels", "Vectors", "Kafka", "Bytes", "CKernels",
      ]),
    floor(
      "Modeling",
      uses: ["Engine", "Execution", "Planning", "SQLSyntax", "Kernels", "Vectors", "YAML", "Bytes"],
      exclude: ["SQLMESH.md"]),
    floor("Simulation", uses: ["Bytes"]),

    // Floor 8: people.
    floor(
      "Shell",
      uses: [
        "Engine", "Ingestion", "Modeling", "Simulation", "Execution", "Planning", "Kernels", "SQLSyntax", "Vectors",
        "Kafka", "Bytes", "CEdit",
      ]),

    // The roof.
    .executableTarget(name: "pulsehouse", dependencies: ["Shell", "CKernels"], swiftSettings: swift),

    // Benchmarks: kernels and codecs one by one.
    .executableTarget(
      name: "KernelBench",
      dependencies: ["Segments", "Encodings", "Kernels", "Vectors", "Bytes", "Simulation", "CKernels"],
      path: "Benchmarks/KernelBench", swiftSettings: swift),

    .executableTarget(
      name: "FormatBench", dependencies: ["Ingestion", "Simulation", "Kernels", "Vectors", "Bytes", "CKernels"],
      path: "Benchmarks/FormatBench", exclude: ["draw.py"], swiftSettings: swift),

    // Tests: one target per module, and TestKit with what they share.
    .target(
      name: "TestKit", dependencies: ["Bytes"], path: "Tests/TestKit",
      swiftSettings: swift),
    .target(
      name: "SQLLogic", dependencies: ["Engine", "Kernels", "Vectors", "Bytes"], path: "Tests/SQLLogic",
      swiftSettings: swift),
    .executableTarget(
      name: "SQLLogicRunner", dependencies: ["SQLLogic", "TestKit", "Ingestion", "Engine", "Kernels", "Bytes"],
      path: "Tests/SQLLogicRunner", swiftSettings: swift),
    tests("Bytes", uses: ["Bytes"]),
    tests("Kafka", uses: ["Kafka", "Bytes"]),
    tests("YAML", uses: ["YAML", "Bytes"]),
    tests("Vectors", uses: ["Vectors", "Bytes"]),
    tests("SQLSyntax", uses: ["SQLSyntax", "Bytes"]),
    tests("Kernels", uses: ["Kernels", "Vectors", "Bytes"]),
    tests("Encodings", uses: ["Encodings", "Vectors", "Bytes", "CKernels"]),
    tests("Planning", uses: ["Planning", "Execution", "SQLSyntax", "Vectors", "Bytes"]),
    tests("Segments", uses: ["Segments", "Encodings", "Vectors", "Bytes"], resources: [.copy("Fixtures")]),
    tests("Metadata", uses: ["Metadata", "Vectors", "Bytes"]),
    tests("Parquet", uses: ["Parquet", "TestKit", "Vectors", "Bytes"]),
    tests(
      "Execution", uses: ["Execution", "Kernels", "Planning", "Segments", "Encodings", "Vectors", "Bytes"],
      resources: [.copy("Golden")]),
    tests("Engine", uses: ["Engine", "TestKit", "Metadata", "Segments", "Planning", "Vectors", "Bytes"]),
    tests(
      "Ingestion", uses: ["Ingestion", "Engine", "Execution", "SQLSyntax", "TestKit", "Vectors", "Kafka", "Bytes"]),
    tests("Modeling", uses: ["Modeling", "Planning", "Engine", "SQLSyntax", "TestKit", "Vectors", "Bytes"]),
    tests("Simulation", uses: ["Simulation", "Bytes"]),
    tests(
      "Pipeline",
      uses: ["Simulation", "Ingestion", "Modeling", "Engine", "TestKit", "Vectors", "Bytes"]),
    tests("Shell", uses: ["Shell", "Engine", "TestKit", "Bytes"]),
    .testTarget(
      name: "SQLLogicTests", dependencies: ["SQLLogic", "TestKit", "Engine", "Kernels", "Bytes"],
      exclude: ["Scripts"], swiftSettings: swift),
  ]
)
