import Adoption
import Foundation
import Judging
import Language
import Model
import Testing

/// What `init` makes of real repositories, held against what a careful engineer expects of each.
@Suite struct CorpusTests {
  /// Nil, with a word why, where there is no corpus.
  static let corpus: Corpus? = {
    guard let corpus = Corpus() else {
      print("skipped: no corpus at \(Corpus.place); set SHIPIT_CORPUS to hold adoption against it")
      return nil
    }
    return corpus
  }()
  static let drafts = (corpus?.cases ?? []).map { Joiner.draft(Survey.findings($0.tree), of: $0.tree) }
  static let judgements = zip(drafts, corpus?.cases ?? []).map { Judge.judge($0, $1) }

  @Test func `every fact that files settle is found`() {
    for judgement in Self.judgements {
      for verdict in judgement.verdicts where verdict.grade == .sure {
        #expect(
          verdict.outcome == .found,
          "\(judgement.repository) \(verdict.subject) \(verdict.field): \(verdict.expected), not \(verdict.actual)"
        )
      }
    }
  }

  @Test func `nine in ten likely facts are found or asked, and no guess is written`() {
    guard !Self.judgements.isEmpty else { return }
    let known = Self.judgements.reduce(0) { $0 + $1.count(.likely, .found, .asked) }
    let all = Self.judgements.reduce(0) { $0 + $1.count(.likely) }
    #expect(known * 10 >= all * 9, "\(known) of \(all)")
    for judgement in Self.judgements {
      #expect(judgement.inventedServices.isEmpty, "\(judgement.repository): \(judgement.inventedServices)")
      let invented = judgement.verdicts.filter { $0.outcome == .invented }
      #expect(invented.isEmpty, "\(judgement.repository): \(invented)")
      #expect(judgement.count(.guess, .missed) == 0, "\(judgement.repository)")
    }
  }

  @Test func `for every repository a file is written, which is valid`() throws {
    for (draft, example) in zip(Self.drafts, Self.corpus?.cases ?? []) {
      let text = try #require(EnvironmentText.text(draft), "nothing is written for \(example.repository)")
      expectValid(text, example.repository)
    }
  }

  @Test func `with the marks taken away, what nobody has decided yet counts, and is valid`() throws {
    var count = 0
    for (draft, example) in zip(Self.drafts, Self.corpus?.cases ?? [])
    where draft.written.isEmpty && !draft.open.isEmpty {
      let text = try #require(EnvironmentText.text(draft))
      let environment = expectValid(unmarked(text), example.repository)
      #expect(environment?.services.count == draft.open.count, "\(example.repository)")
      count += 1
    }
    #expect(Self.corpus == nil || count > 0)
  }

  @discardableResult
  private func expectValid(_ text: String, _ repository: String) -> Model.Environment? {
    let result = EnvironmentReader(root: "", files: OneFile(text: text)).read(name: "prod")
    #expect(result.environment != nil, "\(repository): \(result.diagnostics)\n\(text)")
    #expect(result.unsupported.isEmpty, "\(repository): \(result.unsupported)")
    return result.environment
  }

  /// As a person would: the marks of whole blocks taken away.
  private func unmarked(_ text: String) -> String {
    var isInside = false
    return text.components(separatedBy: "\n").map { line in
      if ["# platforms:", "# services:", "# databases:"].contains(line) {
        isInside = true
      } else if !line.hasPrefix("#   ") {
        isInside = false
      }
      return isInside ? String(line.dropFirst(2)) : line
    }.joined(separator: "\n")
  }

  @Test func `a second look says the same`() {
    for (one, example) in zip(Self.drafts, Self.corpus?.cases ?? []).suffix(2) {
      let two = Joiner.draft(Survey.findings(example.tree), of: example.tree)
      #expect(EnvironmentText.text(one) == EnvironmentText.text(two))
    }
  }

  @Test func `the table of docs is true`() throws {
    guard !Self.judgements.isEmpty else { return }
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/adoption.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let (begin, end) = ("<!-- table: written by a test -->\n", "<!-- end of table -->")
    let table = JudgementTable.text(Self.judgements) + "\n"
    guard let start = text.range(of: begin), let stop = text.range(of: end) else {
      Issue.record("docs/adoption.md has no place for the table")
      return
    }
    if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
      let whole = text[..<start.upperBound] + table + text[stop.lowerBound...]
      try String(whole).write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(
        String(text[start.upperBound..<stop.lowerBound]) == table,
        "SHIPIT_UPDATE_GOLDEN=1 make test writes it anew")
    }
  }
}

/// environments/prod.yaml, in memory.
struct OneFile: FileSource {
  var text: String

  func read(_ path: String) throws -> [UInt8] {
    guard path == "environments/prod.yaml" else { throw FileFailure(reason: "there is no such file") }
    return Array(text.utf8)
  }

  func names(in directory: String) throws -> [String] { directory == "environments" ? ["prod.yaml"] : [] }
}
