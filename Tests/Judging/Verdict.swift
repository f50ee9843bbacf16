/// One expected fact, and what became of it.
package struct Verdict: Sendable, Hashable {
  package enum Grade: String, Sendable, Hashable { case sure, likely, guess }

  package enum Outcome: String, Sendable, Hashable {
    case found
    /// Not known, and a person is asked.
    case asked
    case missed
    /// Written although nobody could know.
    case invented
  }

  package var subject: String
  package var field: String
  package var grade: Grade
  package var outcome: Outcome
  package var expected: String
  package var actual: String
}

/// What became of one repository.
package struct Judgement: Sendable {
  package var repository: String
  package var verdicts: [Verdict]
  /// Written services that nobody expects.
  package var inventedServices: [String]
  package var written: Int
  /// What `validate` says of the file; nil where none was written.
  package var isValid: Bool?
  /// Ambiguities that a person is told of, of how many.
  package var ambiguities: (raised: Int, all: Int, silent: [String])
  /// Problems of workflows that are reported, of those that can be told apart.
  package var problems: (reported: Int, all: Int, silent: [String])

  package func count(_ grade: Verdict.Grade, _ outcomes: Verdict.Outcome...) -> Int {
    verdicts.filter { $0.grade == grade && (outcomes.isEmpty || outcomes.contains($0.outcome)) }.count
  }

  package var missed: [Verdict] {
    verdicts.filter { verdict in
      switch verdict.outcome {
      case .found: verdict.grade == .guess ? false : false
      case .asked: verdict.grade == .sure
      case .missed, .invented: true
      }
    }
  }
}

/// The table of docs/adoption.md.
package enum JudgementTable {
  package static func text(_ judgements: [Judgement]) -> String {
    var lines = [
      "| repository | `validate` of the file | services written | sure: found | likely: found + asked | guesses: asked | invented | ambiguities raised | dangers reported |",
      "|---|---|---|---|---|---|---|---|---|",
    ]
    for judgement in judgements { lines.append(row(judgement.repository, [judgement])) }
    lines.append(row("**together**", judgements))
    return lines.joined(separator: "\n")
  }

  private static func valid(_ all: [Judgement]) -> String {
    guard all.count == 1, let isValid = all[0].isValid else {
      return "\(all.count { $0.isValid == true }) of \(all.count) valid"
    }
    return !isValid ? "invalid" : all[0].written == 0 ? "valid, none counts yet" : "valid"
  }

  private static func row(_ name: String, _ all: [Judgement]) -> String {
    func sum(_ value: (Judgement) -> Int) -> Int { all.reduce(0) { $0 + value($1) } }
    let cells = [
      name, valid(all), "\(sum(\.written))",
      "\(sum { $0.count(.sure, .found) }) of \(sum { $0.count(.sure) })",
      "\(sum { $0.count(.likely, .found) }) + \(sum { $0.count(.likely, .asked) }) of \(sum { $0.count(.likely) })",
      "\(sum { $0.count(.guess, .found, .asked) }) of \(sum { $0.count(.guess) })",
      "\(sum { $0.inventedServices.count + $0.verdicts.filter { $0.outcome == .invented }.count })",
      "\(sum(\.ambiguities.raised)) of \(sum(\.ambiguities.all))",
      "\(sum(\.problems.reported)) of \(sum(\.problems.all))",
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }
}
