import Testing

@testable import Language

@Suite("Hostile files")
struct HostileTests {
  @Test(
    "a long line full of mistakes is answered, and no line of the answer is long", .timeLimit(.minutes(1)))
  func manyMistakes() {
    let keys = (0..<4000).map { "k\($0): 1" }.joined(separator: ", ")
    let result = readProd("{\(keys)}")
    #expect(result.hasErrors)
    #expect(result.diagnostics.count == Reading.limit)
    let text = DiagnosticRenderer(files: result.files).render(Array(result.diagnostics.suffix(20)))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 160 })
  }

  @Test("a deep file, a long text and a long regular expression do no harm", .timeLimit(.minutes(1)))
  func extremes() {
    let deep = String(repeating: "{a: ", count: 120) + "1" + String(repeating: "}", count: 120)
    #expect(readProd(minimal(file: "x-deep: \(deep)")).environment != nil)
    let long = String(repeating: "a", count: 200_000)
    let result = readProd(
      minimal(
        service:
          "name: \(long)\nhealth: {path: /, identity: {text: \"\(String(repeating: "(", count: 100_000))\"}}")
    )
    #expect(result.diagnostics.count == 2)
    #expect(result.diagnostics.allSatisfy { $0.message.count <= 401 })
  }

  @Test("escape sequences in a value are shown, not sent")
  func escapes() {
    let result = readProd(minimal(service: "name: \"a\\e[31m/b\""))
    let text = DiagnosticRenderer(files: result.files).render(result.diagnostics)
    #expect(!text.unicodeScalars.contains("\u{1B}"))
    #expect(text.contains("␛[31m"))
  }

  @Test("random pieces of the language are read or refused, and rendered", .timeLimit(.minutes(1)))
  func noise() {
    let pieces =
      Grammar.entries.prefix(80).map { "\($0.key.name): " }
      + [
        "{", "}", "[", "]", ", ", "\n", "\n  ", "\n    ", "- ", "1", "true", "5m", "text", "${commit}",
        "${{x}}", "{secret: A}", "&a ", "*a", "~", "\"", "\t",
      ]
    var state: UInt64 = 7
    for _ in 0..<400 {
      var text = "shipit: 1\nservices:\n  a:\n    "
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text += pieces[Int(state >> 33) % pieces.count]
      }
      let result = readProd(text)
      #expect(result.hasErrors)
      #expect(!DiagnosticRenderer(files: result.files, width: 50).render(result.diagnostics).isEmpty)
    }
  }
}
