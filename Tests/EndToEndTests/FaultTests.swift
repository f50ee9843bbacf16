import Concurrency
import Foundation
import Model
import TestSupport
import Testing

/// Faults × outcomes: each row lives through its fault with the real engine, adapter and twin under one
/// virtual clock, and ends with the right code, a message that helps, and a platform that is as it says.
@Suite(.timeLimit(.minutes(10)))
struct FaultTests {
  @Test(arguments: FaultRow.all) func everyFaultEndsAsItShould(row: FaultRow) async throws {
    let outcome = try await FaultOutcomes.shared.outcome(of: row)
    #expect(outcome.exit == row.exit)
    #expect(outcome.state == row.state)
    #expect(outcome.live == row.live)
    checkMessage(row, outcome)
    checkVariables(row, outcome)
    // The way back begins before the deadline and has ten minutes for these two services.
    #expect(outcome.duration <= outcome.deadline + .seconds(600))
    // Whatever was left unsettled holds nobody up once the fault is over.
    #expect(outcome.next == row.next)
    for (kind, count) in Dictionary(grouping: outcome.deployments, by: \.self).mapValues(\.count) {
      #expect(count <= row.most, "\(kind) took effect \(count) times")
    }
    for planted in [FaultWorld.secret, FaultWorld.token, row.setup.secret, row.setup.token].compactMap(\.self)
    {
      #expect(!outcome.told.contains(planted), "a planted secret was told or recorded")
    }
    row.also(outcome)
  }

  private func checkMessage(_ row: FaultRow, _ outcome: FaultOutcome) {
    if row.exit == .done {
      #expect(outcome.message == nil)
      return
    }
    guard let failure = outcome.message else {
      Issue.record("it failed and says nothing")
      return
    }
    let text = failure.description
    for words in row.says { #expect(text.contains(words), "“\(words)” is missing in: \(text)") }
    #expect(failure.hint?.isEmpty == false, "no next command after: \(text)")
    if let first = outcome.failure { #expect(first.hint?.isEmpty == false, "no next command: \(first)") }
  }

  private func checkVariables(_ row: FaultRow, _ outcome: FaultOutcome) {
    switch row.variables {
    case .unchecked: break
    case .asBefore: #expect(outcome.after == outcome.before)
    case .asDeclared:
      #expect(outcome.after["api.GREETING"] == "hello 1" && outcome.after["web.TITLE"] == "shop 1")
    }
  }

  @Test func theTableInTheDocumentationIsWhatHappens() async throws {
    var lines = FaultTable.head
    var group = ""
    for row in FaultRow.all {
      if row.group != group { lines += FaultTable.section(row.group) }
      group = row.group
      lines.append(FaultTable.line(row, try await FaultOutcomes.shared.outcome(of: row)))
    }
    let found = lines.joined(separator: "\n") + "\n"
    let file = Checkout.root + "/docs/faults.md"
    if ProcessInfo.processInfo.environment["SHIPIT_UPDATE_GOLDEN"] == "1" {
      try found.write(toFile: file, atomically: true, encoding: .utf8)
      return
    }
    let wanted = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    let differing = zip(wanted.split(separator: "\n"), found.split(separator: "\n")).filter { $0 != $1 }
    #expect(
      wanted == found,
      "docs/faults.md differs; SHIPIT_UPDATE_GOLDEN=1 writes it anew. First: \(differing.first?.1 ?? "another length")"
    )
  }
}

/// Each row is lived through once, however many tests ask for it.
private actor FaultOutcomes {
  static let shared = FaultOutcomes()
  private var known: [String: Task<FaultOutcome, any Error>] = [:]

  func outcome(of row: FaultRow) async throws -> FaultOutcome {
    if let task = known[row.testDescription] { return try await task.value }
    let task = Task { try await FaultWorld.outcome(of: row) }
    known[row.testDescription] = task
    return try await task.value
  }
}
