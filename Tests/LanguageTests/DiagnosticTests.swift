import Foundation
import JSON
import Testing

@testable import Language

/// Every `Golden/diagnostics/NAME.yaml` is read as `environments/prod.yaml`, with `NAME.OTHER.yaml` beside it as
/// `environments/OTHER.yaml`; `NAME.txt` is what `validate` prints.
@Suite("Diagnostics")
struct DiagnosticTests {
  static let folder = GoldenFiles.folder.appendingPathComponent("diagnostics")

  static let cases: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.filter { !$0.contains(".") }
      .sorted()
  }()

  /// Every case, read once.
  static let results: [(name: String, result: ReadResult)] = cases.compactMap { name in
    (try? read(name)).map { (name, $0) }
  }

  static func read(_ name: String) throws -> ReadResult {
    var files = MemoryFiles([:])
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".yaml")
    {
      let parts = file.split(separator: ".")
      guard parts.first.map(String.init) == name else { continue }
      let target = parts.count == 2 ? "prod" : String(parts[1])
      files.files["environments/\(target).yaml"] = Array(
        try Data(contentsOf: folder.appendingPathComponent(file)))
    }
    return EnvironmentReader(root: "", files: files).read(name: "prod")
  }

  @Test("each mistake is shown with its place, the line, a caret and help", arguments: cases)
  func golden(name: String) throws {
    let result = try Self.read(name)
    let text = DiagnosticRenderer(files: result.files).render(result.diagnostics)
    try GoldenFiles.expect(text, at: Self.folder.appendingPathComponent("\(name).txt"))
    #expect(!result.diagnostics.isEmpty)
    #expect((result.environment == nil) == result.hasErrors)
    #expect(result.diagnostics == result.diagnostics.sorted())
  }

  @Test("the cases cover at least 36 findings, and every code but those of sizes that make no readable file")
  func coverage() {
    #expect(Self.cases.count >= 36)
    var codes: Set<Diagnostic.Code> = []
    for (_, result) in Self.results { codes.formUnion(result.diagnostics.map(\.code)) }
    let elsewhere: Set<Diagnostic.Code> = [.tooLarge, .tooDeep, .unreadableFile]
    #expect(Set(Diagnostic.Code.allCases).subtracting(codes) == elsewhere)
  }

  @Test("no line is wider than the terminal, down to 40 columns", arguments: [40, 60, 100])
  func width(columns: Int) {
    for (name, result) in Self.results {
      let text = DiagnosticRenderer(files: result.files, width: columns).render(result.diagnostics)
      for line in text.split(separator: "\n") {
        let width = line.reduce(0) { $0 + Cells.width(of: $1) }
        // One word cannot be broken.
        let isBreakable = line.split(separator: " ").allSatisfy { $0.count < columns / 2 }
        if isBreakable || line.contains(" | ") { #expect(width <= columns, "\(name): \(line)") }
      }
    }
  }

  @Test("a value that looks like a secret is nowhere in the text, whatever else is wrong on its line")
  func concealed() throws {
    let secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
    let result = readProd(minimal(service: "variables: {A: \(secret), B: ${comit}, b: {c: d}}"))
    let quoted = readProd(minimal(service: "variables: {A: \(secret), B: \"${comit}\"}"))
    #expect(quoted.diagnostics.count == 2)
    for result in [result, quoted] {
      let text = DiagnosticRenderer(files: result.files).render(result.diagnostics)
      #expect(!text.contains(secret) || result.diagnostics.first?.code == .syntax)
    }
    let named = readProd(minimal(service: "name: \(secret)/x\nsettings: {restart: \(secret)}"))
    #expect(named.diagnostics.count == 2)
    #expect(named.diagnostics.allSatisfy { !$0.json.serialized().contains(secret) })
    let token = readProd(minimal().replacing("{secret: RAILWAY_API_TOKEN}", with: "6f1c2b9e-1a2b-4c3d"))
    #expect(!DiagnosticRenderer(files: token.files).render(token.diagnostics).contains("2b9e-1a2b"))
  }

  @Test("colour goes around the words it is meant for, and changes nothing else")
  func colour() throws {
    let result = readProd(minimal(file: "checkss: []"))
    let plain = DiagnosticRenderer(files: result.files).render(result.diagnostics)
    let coloured = DiagnosticRenderer(files: result.files) { role, text in "<\(role):\(text)>" }
      .render(result.diagnostics)
    #expect(coloured.contains("<error:error[unknown-key]>"))
    #expect(coloured.contains("<error:^^^^^^^>"))
    #expect(coloured.contains("<help:help:>"))
    #expect(coloured.replacing(#/<[a-z]+:([^<>]*)>/#) { $0.1 } == plain)
  }

  @Test("an unknown environment is answered with the nearest one, or all")
  func unknownEnvironment() {
    let files = MemoryFiles([
      "environments/prod.yaml": "extends: base.yaml\nenvironment: prod",
      "environments/staging.yaml": "environment: staging",
      "environments/base.yaml": "app: x", "environments/README.md": "",
    ])
    let reader = EnvironmentReader(root: "", files: files)
    #expect(reader.list() == ["prod", "staging"])
    #expect(reader.read(name: "prdo").diagnostics.first?.help == "did you mean `prod`?")
    #expect(reader.read(name: "preview").diagnostics.first?.help == "there are prod, staging")
    let empty = EnvironmentReader(root: "", files: MemoryFiles([:])).read(name: "prod")
    #expect(
      DiagnosticRenderer(files: empty.files).render(empty.diagnostics) == """
        error[unknown-environment]: there is no environment `prod`
         --> environments/prod.yaml
          = help: `shipit init` writes the first one

        1 error

        """)
  }

  @Test("a file that cannot be read says why")
  func unreadable() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shipit-\(UUID().uuidString)")
    let directory = folder.appendingPathComponent("environments/prod.yaml")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = EnvironmentReader(root: folder.path).read(name: "prod")
    #expect(
      result.diagnostics.map(\.message) == ["cannot read environments/prod.yaml: it is not a regular file"])
  }
}
