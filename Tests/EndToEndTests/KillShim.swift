import Foundation
import Processes
import TestSupport

/// The preloaded library that counts synchronisations of the ledger and kills at the wanted one.
struct KillShim {
  let scratch: ScratchDirectory
  let library: String

  /// Nil when there is no C compiler.
  static func build() async throws -> KillShim? {
    let scratch = try ScratchDirectory()
    let library = scratch.path + "/kill_at_write.so"
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    do {
      let result = try await Launcher().run(
        ProcessSpecification(
          "cc",
          [
            "-shared", "-fPIC", "-O1", "-o", library, Checkout.root + "/Tests/Support/kill_at_write.c",
            "-ldl",
          ],
          environment: ["PATH": path]))
      guard result.exit.isSuccess else { throw ProcessError(code: .other, description: result.errorText) }
    } catch let error as ProcessError where error.code == .notFound {
      return nil
    }
    return KillShim(scratch: scratch, library: library)
  }

  func variables(at write: Int, when: String = "before") -> [String: String] {
    [
      "LD_PRELOAD": library, "KILL_AT": String(write), "KILL_WHEN": when,
      "KILL_COUNT": scratch.path + "/count",
    ]
  }

  /// The writes of the last counted process.
  func count() throws -> Int {
    let text = try String(contentsOfFile: scratch.path + "/count", encoding: .utf8)
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }
}
