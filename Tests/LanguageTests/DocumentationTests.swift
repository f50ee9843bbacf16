import Foundation
import Testing
import YAML

@testable import Language

@Suite("YAML in documents")
struct DocumentationTests {
  /// Every block fenced as ```yaml in README.md and docs, with its place. Fragments say so: ```yaml fragment.
  static func blocks() -> [(place: String, text: String)] {
    var files = [GoldenFiles.project.appendingPathComponent("README.md")]
    let docs = GoldenFiles.project.appendingPathComponent("docs")
    if let names = FileManager.default.enumerator(atPath: docs.path) {
      files += names.compactMap { $0 as? String }.filter { $0.hasSuffix(".md") }.sorted()
        .map { docs.appendingPathComponent($0) }
    }
    var blocks: [(place: String, text: String)] = []
    for file in files {
      guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
      var block: [Substring]?
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if let lines = block {
          if line.hasPrefix("```") {
            blocks.append(
              ("\(file.lastPathComponent):\(number - lines.count)", lines.joined(separator: "\n") + "\n"))
            block = nil
          } else {
            block?.append(line)
          }
        } else if line == "```yaml" || line == "```yml" {
          block = []
        }
      }
    }
    return blocks
  }

  @Test("each is a valid environment file")
  func validate() {
    let blocks = Self.blocks()
    #expect(!blocks.isEmpty)
    for block in blocks {
      let name = Document(bytes: Array(block.text.utf8), name: "").root?.mapping?["environment"]?.value
        .scalar?.text
      let files = MemoryFiles(["environments/\(name ?? "prod").yaml": block.text])
      let result = EnvironmentReader(root: "", files: files).read(name: name ?? "prod")
      let text = DiagnosticRenderer(files: result.files).render(result.diagnostics)
      #expect(!result.hasErrors, "\(block.place)\n\(text)")
    }
  }
}
