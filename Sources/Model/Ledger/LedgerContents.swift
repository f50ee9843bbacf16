package import Concurrency

/// Everything a ledger keeps beside its lease, to be moved to another one. It holds no secret but the key of
/// fingerprints.
package struct LedgerContents: Sendable, Hashable, Codable {
  /// The oldest first.
  package var runs: [RunRecord]
  package var journals: [RunID: [JournalEntry]]
  /// The oldest first.
  package var releases: [Release]
  package var hold: Hold?
  package var bad: [String: Int]
  /// The newest first, at most `keptDecisions`: nobody waits for older ones, and releases keep their own.
  package var decisions: [Decision]
  /// By their keys.
  package var rollouts: [RolloutRecord]
  package var fingerprintKey: [UInt8]

  /// How many decisions are kept.
  package static let keptDecisions = 100

  package init(
    runs: [RunRecord], journals: [RunID: [JournalEntry]], releases: [Release], hold: Hold?,
    bad: [String: Int], decisions: [Decision], rollouts: [RolloutRecord], fingerprintKey: [UInt8]
  ) {
    self.runs = runs
    self.journals = journals
    self.releases = releases
    self.hold = hold
    self.bad = bad
    self.decisions = decisions
    self.rollouts = rollouts
    self.fingerprintKey = fingerprintKey
  }

  /// Nothing has happened there yet.
  package var isEmpty: Bool {
    runs.isEmpty && releases.isEmpty && hold == nil && bad.isEmpty && decisions.isEmpty && rollouts.isEmpty
  }

  /// Whether `earlier` is an older copy of this: nothing stands in it that does not stand here too.
  package func continues(_ earlier: LedgerContents) -> Bool {
    if earlier.isEmpty { return true }
    return fingerprintKey == earlier.fingerprintKey && runs.starts(with: earlier.runs)
      && releases.starts(with: earlier.releases)
      && earlier.runs.allSatisfy { journals[$0.id] == earlier.journals[$0.id] }
  }
}

/// Says of a ledger that it is kept elsewhere now.
package struct LedgerMove: Sendable, Hashable, Codable {
  package var to: StateStore
  package var by: String
  package var at: Timestamp

  package init(to: StateStore, by: String, at: Timestamp) {
    self.to = to
    self.by = by
    self.at = at
  }
}

/// A ledger whose contents can be moved to another one, and that then says where they are.
package protocol MovableLedger: Ledger {
  /// Takes the lease also where the ledger has moved: whoever moves it back has to.
  func acquireForMove(holder: Holder) async throws(Failure) -> Lease
  /// Everything, as one state.
  func contents() async throws(Failure) -> LedgerContents
  /// Puts these contents in the place of what is there, and takes the note of a move away: all or nothing.
  func replace(with contents: LedgerContents, lease: Lease) async throws(Failure)
  /// Where the ledger went; nil while it is here.
  func moved() async throws(Failure) -> LedgerMove?
  /// Leaves the note that makes every later use of this ledger say where it is.
  func leave(for move: LedgerMove, lease: Lease) async throws(Failure)
}

extension StateStore {
  /// As `state:` in the environment file has it.
  package var yaml: String {
    switch self {
    case .local: "local"
    case .git: "git"
    case .postgres(let secret): "{postgres: {url: {secret: \(secret)}}}"
    }
  }
}

extension Failure {
  /// The ledger is kept elsewhere now, and the environment file does not know it.
  package static func moved(_ move: LedgerMove, environment: String) -> Failure {
    Failure(
      .configuration,
      "the ledger of \(environment) is not here any more: \(move.by) moved it at \(move.at.iso8601)",
      place: "environments/\(environment).yaml: state",
      cause: "its history, lease and hold are in `state: \(move.to.yaml)` now",
      hint: "write `state: \(move.to.yaml)`, or take the newest commit of the file: git pull")
  }
}
