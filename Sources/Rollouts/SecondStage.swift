package import Model

/// The second stage of a rollback: the flag is off, `cure-within` is over, and the metric is still bad.
package struct SecondStage: Sendable {
  private let ledger: any Ledger

  package init(_ ledger: any Ledger) { self.ledger = ledger }

  /// - Returns: why the code goes back; nil where it does not: nothing was found bad, it is not known, or a run has
  ///   been there since, a person's or an earlier try of this.
  package func reason(_ results: [RolloutResult]) async throws(Failure) -> String? {
    for result in results {
      guard let record = result.record, record.status == .rolledBack, record.end?.cure?.state == .failed
      else { continue }
      guard try await ledger.runs(limit: 1).first?.release == record.release,
        try await ledger.recentReleases().first(where: \.isGood)?.number == record.release
      else { continue }
      let words = record.end?.cure?.evidence?.words ?? "the metric is still bad"
      return "with the flag \(record.key) off, \(words)"
    }
    return nil
  }
}
