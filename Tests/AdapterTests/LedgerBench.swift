import Concurrency
import Foundation
import Ledgers
import Model
import Postgres
import TestSupport
import Testing

/// A kind of ledger under the conformance suite.
enum LedgerKind: String, CaseIterable, Sendable {
  case memory, local, git, postgres

  /// The kinds that can be tested here; what is left out is said.
  static let available: [LedgerKind] = allCases.filter { kind in
    guard kind == .postgres, let reason = PostgresServer.missing else { return true }
    print("SKIPPED the postgres ledger: \(reason)")
    return false
  }
}

/// Two processes' views of one ledger, and its time.
final class LedgerBench: Sendable {
  let kind: LedgerKind
  let ours: any Ledger
  let theirs: any Ledger
  /// What a lease of the kind is made of.
  let timing: LeaseTiming
  let clock = StillClock()
  private let scratch: Scratch
  private let world: GitLedgerWorld?
  private let server: PostgresDatabase?
  private let app = "shop-\(UUID().uuidString)"
  /// How far the times in PostgreSQL were moved back, for its clock cannot be moved on.
  private let shifted = Locked<Duration>(.zero)

  init(_ kind: LedgerKind) async throws {
    self.kind = kind
    scratch = try Scratch("ledger")
    timing = kind == .git ? GitLedger.Options().timing : LeaseTiming()
    world = kind == .git ? try await GitLedgerWorld() : nil
    server = kind == .postgres ? try await PostgresServer.shared().database() : nil
    switch kind {
    case .memory:
      ours = MemoryLedger(environment: "prod", time: clock)
      theirs = ours
    case .local:
      ours = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
      theirs = try await LocalLedger.open(root: scratch.path, environment: "prod", time: clock)
    case .git:
      guard let world else { throw CancellationError() }
      ours = try await world.ledger(try await world.machine("ours"), time: clock)
      theirs = try await world.ledger(try await world.machine("theirs"), time: clock)
    case .postgres:
      let url = Sensitive(try await PostgresServer.shared().url)
      ours = try await PostgresLedger.open(url: url, app: app, environment: "prod")
      theirs = try await PostgresLedger.open(url: url, app: app, environment: "prod")
    }
  }

  enum View { case ours, theirs }

  /// A view as what can be moved; the kind in memory cannot.
  func movable(_ view: View) throws -> any MovableLedger {
    try #require((view == .ours ? ours : theirs) as? any MovableLedger)
  }

  /// A moment for records; it moves with `pass`.
  var now: Timestamp { clock.now }

  /// Lets time pass for both views, which have looked at the ledger before.
  func pass(_ duration: Duration) async throws {
    // Only who has watched a git lease may say that it stood still.
    if kind == .git { _ = try await theirs.holder() }
    clock.advance(by: duration)
    shifted.withLock { $0 += duration }
    let back = duration.wholeMilliseconds
    try await server?.transaction { [app] connection, _ in
      try connection.query(
        """
        UPDATE shipit.ledgers SET since = since - $2::bigint, expires = expires - $2::bigint
        WHERE app = $1
        """, [.text(app), .int(back)])
    }
  }

  /// How a moment that the ledger recorded before `pass` is shown now.
  func shown(_ moment: Timestamp) -> Timestamp {
    kind == .postgres ? moment - shifted.withLock { $0 } : moment
  }

  /// Makes what was appended visible to the other view: a git ledger pushes with each renewal.
  func publish(_ lease: Lease) async throws {
    if kind == .git { _ = try await ours.renew(lease) }
  }
}
