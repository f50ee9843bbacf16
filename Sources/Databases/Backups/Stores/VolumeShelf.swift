import Concurrency
package import Model

/// Who copies the volumes of an environment's services.
package struct VolumeCopies: Sendable {
  let keeper: any VolumeKeeper
  let environment: Environment

  package init(_ keeper: any VolumeKeeper, _ environment: Environment) {
    self.keeper = keeper
    self.environment = environment
  }
}

/// The copies that Railway made of a volume, under the names that shipit gave them. They can be listed and made here, and
/// neither read nor removed: their content never leaves Railway.
struct VolumeShelf: BackupStore {
  private let service: String
  private let volumes: VolumeCopies
  private let names: BackupNames

  init(_ service: String, _ volumes: VolumeCopies, _ names: BackupNames) {
    self.service = service
    self.volumes = volumes
    self.names = names
  }

  var place: String { "Railway's copies of the volume of \(service)" }

  func all() async throws(Failure) -> [BackupManifest] {
    try await volumes.keeper.snapshots(of: service, in: volumes.environment).compactMap { copy in
      // What others made has another name, or none.
      guard let id = copy.name, names.id(ofFile: id + ".") == id else { return nil }
      return manifest(id, copy)
    }
  }

  private func manifest(_ id: String, _ copy: VolumeSnapshot) -> BackupManifest {
    let run = id.split(separator: "-").last.flatMap { Int($0.dropFirst()) } ?? 0
    return BackupManifest(
      id: id, app: volumes.environment.app, environment: names.environment, database: names.database,
      server: "", tool: "Railway", run: RunID(run), release: run, commit: "", madeAt: copy.at, seconds: 0,
      bytes: Int64(copy.megabytes ?? 0) * 1_000_000, checksum: "", rows: [:], check: .stored)
  }

  /// Makes one, and waits until Railway lists it.
  func make(_ id: String, by deadline: Timestamp, report: @Sendable (String) -> Void) async throws(Failure)
    -> BackupManifest
  {
    let copy = try await volumes.keeper.snapshot(
      id, of: service, in: volumes.environment, by: deadline, report: report)
    return manifest(id, copy)
  }

  private var elsewhere: Failure { VolumeShelf.elsewhere(service, names.database) }

  static func elsewhere(_ service: String, _ database: String) -> Failure {
    Failure(
      .configuration, "a copy of a volume is not read by shipit: Railway keeps it, and never gives it out",
      place: "databases.\(database).backup.to",
      cause:
        "Railway puts one back into a new volume, stages the swap, and deletes the copies that are newer",
      hint: "restore it in Railway's dashboard: \(service), Backups; or keep files too: to: ./backups")
  }

  func begin() async throws(Failure) { throw elsewhere }
  func write(
    _ file: String, expected: Int64, _ produce: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> StoredSum { throw elsewhere }
  func read<Value: Sendable>(
    _ file: String, isFinished: Bool, expecting sum: StoredSum,
    _ consume: @escaping @Sendable (Int32) async throws -> Value
  ) async throws -> Value { throw elsewhere }
  func finish(_ manifest: BackupManifest) async throws(Failure) { throw elsewhere }
  func discard(_ file: String) async {}
  func remove(_ manifest: BackupManifest) async throws(Failure) { throw elsewhere }
}

extension BackupPerformer {
  /// Lets Railway copy the volume that holds a database.
  func copyVolume(_ service: String, _ request: BackupRequest, _ call: StepCall) async throws(Failure)
    -> StepResult
  {
    let names = names(request.database, call)
    let shelf = VolumeShelf(service, try stores.volumes(names), names)
    let manifest = try await shelf.make(names.id(call), by: call.deadline) { call.report(.progress($0)) }
    return StepResult(
      externalID: manifest.id,
      summary:
        "\(manifest.id), \(BackupPerformer.size(manifest.bytes)), by Railway: as after a power cut, not tried out",
      facts: ["backup": manifest.id])
  }
}
