package import Model

/// What every ledger refuses whatever it stores in: defects of the caller that would falsify history.
package enum RunRules {
  /// - Throws: `internalError` while another run is open.
  static func checkOpening(openRun: RunID?, environment: String) throws(Failure) {
    guard let openRun else { return }
    throw Failure(
      .internalError, "run \(openRun) of \(environment) is still open, so no other can begin",
      hint: "settle it first: `shipit deploy \(environment)` and `shipit rollback \(environment)` do")
  }

  /// - Throws: `internalError` when the entries do not continue the journal without gap or repetition.
  package static func checkAppending(
    _ entries: [JournalEntry], to run: RunID, after last: Int, isOpen: Bool?
  ) throws(Failure) {
    try checkOpen(run, isOpen)
    for (offset, entry) in entries.enumerated() where entry.sequence != last + 1 + offset {
      throw Failure(
        .internalError, "entry \(entry.sequence) cannot be added to the journal of run \(run)",
        cause: "the next one has number \(last + 1 + offset)",
        hint: "nothing was written; report this with the output of `shipit why \(run)`")
    }
  }

  /// - Throws: `internalError` when the run is not open or the release is not its own.
  static func checkClosing(_ run: RunID, isOpen: Bool?, number: Int?, release: Release?) throws(Failure) {
    try checkOpen(run, isOpen)
    if let release, release.number != number || release.run != run {
      throw Failure(
        .internalError, "release \(release.number) of run \(release.run) cannot close run \(run)",
        cause: "run \(run) took release number \(number.map { String($0) } ?? "none") at its start")
    }
  }

  private static func checkOpen(_ run: RunID, _ isOpen: Bool?) throws(Failure) {
    guard let isOpen else {
      throw Failure(.internalError, "there is no run \(run) in the ledger")
    }
    guard isOpen else {
      throw Failure(.internalError, "run \(run) is closed: its journal and result cannot change any more")
    }
  }
}
