import AWS
import Concurrency
import Foundation
import HTTP
import JSON
import Model
import Processes
import Secrets
import TestSupport
import Testing

/// The programs of other people that secrets are tried with; `make setup` puts them into build/venv.
enum SecretTools {
  static let folder = Checkout.root + "/build/venv/bin"

  /// Where a program is; nil: it is not there.
  static func program(_ name: String) -> String? {
    ([folder] + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init))
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func isThere(_ names: String...) -> Bool { names.allSatisfy { program($0) != nil } }
}

/// Ten values that something on their way may change.
enum Awkward {
  static let values: [String: String] = [
    "LINES": "first\n\tsecond\n\nlast\n", "QUOTES": #"it's "quoted" and `ticked` \"\' \n"#,
    "DOLLARS": "$HOME $1 $$ %PATH% !x", "UNICODE": "пароль 密码 e\u{301} 🔑\u{200D} \u{202E}x",
    "TRAILING": "  kept  ",
    "BYTES": String(String.UnicodeScalarView((1...0x2FF).compactMap { Unicode.Scalar(UInt32($0)) })),
    "LONG": String(repeating: "0123456789abcdef", count: 2048), "BLANK": " ", "NUMBER": "007.10",
    "BRACES": "${PATH}${{secrets.X}}{{x}}#{y}",
  ]
  static let names = Set(values.keys)
}

/// One project whose secrets are read as shipit reads them.
struct SecretBench: Sendable {
  let scratch: ScratchDirectory
  var process: [String: String]

  init() throws {
    scratch = try ScratchDirectory()
    process = [
      "PATH": SecretTools.folder + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
      "HOME": scratch.path,
      "TMPDIR": scratch.path,
    ]
  }

  func access(
    clock: any TimeSource = SystemClock(), _ transport: (any HTTPTransport)? = nil
  ) -> SecretAccess {
    guard let transport else { return SecretAccess(root: scratch.path, process: process, clock: clock) }
    return SecretAccess(root: scratch.path, process: process, clock: clock, http: { _ in transport })
  }

  func pool(
    _ sources: SecretSettings.Source..., wanting names: Set<String> = Awkward.names,
    clock: any TimeSource = SystemClock(), transport: (any HTTPTransport)? = nil
  ) async -> SecretPool {
    await SecretPool.open(
      SecretSettings(sources: [.environment] + sources), wanting: names, access(clock: clock, transport))
  }

  /// What differs between the awkward values and what a pool has of them, by name.
  static func differences(_ pool: SecretPool) -> [String] {
    Awkward.values.filter { pool[$0.key]?.reveal() != $0.value }.map(\.key).sorted()
  }

  /// Runs a program of the test itself.
  @discardableResult
  func run(_ command: String..., input: String = "", extra: [String: String] = [:]) async throws -> String {
    let result = try await Launcher().run(
      ProcessSpecification(
        command[0], Array(command.dropFirst()), environment: process.merging(extra) { _, new in new },
        directory: scratch.path, input: Array(input.utf8)), timeout: .seconds(60))
    try #require(result.exit == .code(0), "\(command): \(result.errorText)")
    return result.text
  }

  /// A file in the project.
  func write(_ text: String, to name: String) throws { try scratch.write(text, to: name) }

  func mode(of name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: scratch.path + "/" + name)[.posixPermissions] as? Int
  }

  var files: [String] {
    ((try? FileManager.default.subpathsOfDirectory(atPath: scratch.path)) ?? []).sorted()
  }
}

/// What a call fails with; nil when it does not.
func failure(_ body: () async throws(Failure) -> Void) async -> Failure? {
  do throws(Failure) {
    try await body()
    return nil
  } catch { return error }
}

extension SecretPool {
  /// The words of why a source could not be asked.
  var words: String { failure.map { "\($0.description) \($0.place ?? "")" } ?? "" }
}
