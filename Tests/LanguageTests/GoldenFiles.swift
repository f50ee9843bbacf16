import Foundation
import Testing

@testable import Language

/// Files beside the tests that hold expected text.
/// Run with `SHIPIT_UPDATE_GOLDEN=1` to write them anew; read the difference before you commit it.
enum GoldenFiles {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "Golden")
  static let project = folder.deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
  }

  /// Expects a file to hold exactly this text, or writes it.
  static func expect(_ text: String, at file: URL, sourceLocation: SourceLocation = #_sourceLocation) throws {
    if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    } else {
      let expected = (try? String(contentsOf: file, encoding: .utf8)) ?? "(no file)"
      #expect(text == expected, "\(file.lastPathComponent) differs", sourceLocation: sourceLocation)
    }
  }
}

/// Files in memory; the root is empty.
struct MemoryFiles: FileSource {
  var files: [String: [UInt8]]

  init(_ files: [String: String]) { self.files = files.mapValues { Array($0.utf8) } }

  func read(_ path: String) throws -> [UInt8] {
    guard let bytes = files[path] else { throw FileFailure(reason: "there is no such file") }
    return bytes
  }

  func names(in directory: String) throws -> [String] {
    files.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
      .filter { !$0.contains("/") }.sorted()
  }
}

/// Reads one file as environment `prod`.
func readProd(_ text: String, others: [String: String] = [:]) -> ReadResult {
  var files = others
  files["environments/prod.yaml"] = text
  return EnvironmentReader(root: "", files: MemoryFiles(files)).read(name: "prod")
}

/// The least an environment with one service needs; more lines of the service and of the file can be given.
func minimal(service: String = "", file: String = "") -> String {
  """
  shipit: 1
  environment: prod
  app: shop
  state: local
  platforms: {railway: {project: shop, token: {secret: RAILWAY_API_TOKEN}}}
  services:
    api:
      platform: railway
      source: {directory: .}
  \(service.split(separator: "\n").map { "    \($0)\n" }.joined())\(file)
  """
}
