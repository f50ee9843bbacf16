package import Concurrency

/// What somebody asks of the holder of an environment from elsewhere: to stop, as on a first SIGTERM.
///
/// It is recorded with the lease and goes with it; the holder finds it with its next renewal.
package struct CancelRequest: Sendable, Hashable, Codable {
  /// `bo@phone`.
  package var by: String
  package var reason: String
  package var at: Timestamp

  package init(by: String, reason: String, at: Timestamp) {
    self.by = by
    self.reason = reason
    self.at = at
  }
}
