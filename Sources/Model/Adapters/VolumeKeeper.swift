package import Concurrency

/// A copy of a volume that its platform made and keeps: of its blocks at one moment, as after a power cut.
package struct VolumeSnapshot: Sendable, Hashable, Codable {
  package var id: String
  /// Nil for one that nobody named.
  package var name: String?
  package var at: Timestamp
  /// Of the content, in MB (1,000,000 bytes), where the platform tells.
  package var megabytes: Int?

  package init(id: String, name: String?, at: Timestamp, megabytes: Int?) {
    self.id = id
    self.name = name
    self.at = at
    self.megabytes = megabytes
  }
}

/// A platform that copies the volumes of services, declared or not.
package protocol VolumeKeeper: Sendable {
  /// The copies of a service's volume, the newest first.
  /// - Parameter service: its name on the platform.
  /// - Throws: `configuration` for a service that is not there or has no volume; `authentication`; `failed`.
  func snapshots(of service: String, in environment: Environment) async throws(Failure) -> [VolumeSnapshot]

  /// Makes a copy under a name, and waits until it is listed. One that is there under that name already is taken for it.
  /// - Parameter report: told how it goes.
  /// - Throws: `configuration`, `authentication`, `failed`; `timeout` when it is not listed by the deadline; `stale` when
  ///   the lease was lost before it was asked for.
  func snapshot(
    _ name: String, of service: String, in environment: Environment, by deadline: Timestamp,
    report: @Sendable (String) -> Void
  ) async throws(Failure) -> VolumeSnapshot
}
