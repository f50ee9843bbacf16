import Foundation

/// A private directory that goes away with its owner.
package final class ScratchDirectory: Sendable {
  package let path: String

  package init() throws {
    path =
      FileManager.default.temporaryDirectory.appendingPathComponent("shipit-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, with the directories above it.
  package func write(_ text: String, to name: String) throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }

  package func read(_ name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }
}

/// Where the checkout and its built program are.
package enum Checkout {
  /// The root of the checkout these tests were compiled from.
  package static let root: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()

  /// The program under test: `SHIPIT_BINARY`, or the one built beside the running test bundle.
  package static let binary: String = {
    if let named = ProcessInfo.processInfo.environment["SHIPIT_BINARY"] { return named }
    if let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
      bundle.hasSuffix(".xctest")
    {
      return URL(fileURLWithPath: bundle).deletingLastPathComponent().path + "/shipit"
    }
    return root + "/.build/debug/shipit"
  }()

  /// What sanitizers are told, for the children of a test: they would else judge by their defaults.
  package static let sanitizerOptions: [String: String] = ProcessInfo.processInfo.environment.filter {
    ["ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"].contains($0.key)
  }

  /// ThreadSanitizer writes a temporary file of 512 KiB before a program's first line: a limit on files would end it there.
  package static var isThreadSanitized: Bool { sanitizerOptions["TSAN_OPTIONS"] != nil }

  /// AddressSanitizer keeps freed memory back: how much a process uses says nothing.
  package static var isAddressSanitized: Bool { sanitizerOptions["ASAN_OPTIONS"] != nil }

  /// The long suites were asked for (`make verify`).
  package static var isLong: Bool { ProcessInfo.processInfo.environment["SHIPIT_LONG"] == "1" }
}
