package import Concurrency
import JSON
package import Model

/// Copies of volumes (contract railway §10.2).
extension RailwayPlatform: VolumeKeeper {
  package func snapshots(
    of service: String, in environment: Environment
  ) async throws(Failure) -> [VolumeSnapshot] {
    try await listed(try await volume(of: service, in: environment), service)
  }

  package func snapshot(
    _ name: String, of service: String, in environment: Environment, by deadline: Timestamp,
    report: @Sendable (String) -> Void
  ) async throws(Failure) -> VolumeSnapshot {
    let volume = try await volume(of: service, in: environment)
    let known = try await listed(volume, service)
    if let made = known.first(where: { $0.name == name }) { return made }
    var workflow: String?
    do {
      workflow = try await client.mutate(
        Documents.backupCreate, ["volumeInstanceId": .string(volume), "name": .string(name)])[
          "volumeInstanceBackupCreate"]?["workflowId"]?.string
    } catch {
      // Without an answer it may have begun: then it is listed in a while. Anything else was refused.
      guard !error.certainlyNoEffect, error.kind.isPassing else {
        throw error.failure("copying the volume of \(service)", token: await tokenWords())
      }
    }
    report("Railway copies the volume of \(service)")
    while true {
      if let workflow { try await refuseFailed(workflow, service) }
      let fresh = try await listed(volume, service).filter { $0.name == name }
      if let made = fresh.first { return made }
      guard clock.now + Self.pause < deadline else {
        throw Failure(
          .timeout, "Railway's copy of the volume of \(service) was not there in time",
          place: "volume of \(service)", cause: "it may be made still, as “\(name)”",
          hint: "look at the service's Backups in Railway's dashboard, then type the same command again")
      }
      do { try await clock.sleep(for: Self.pause) } catch {
        throw Failure(.cancelled, "stopped while Railway copied the volume of \(service)")
      }
    }
  }

  /// Between two looks.
  private static let pause = Duration.seconds(2)

  /// - Throws: what Railway says of a workflow that ended badly. One that is not found yet is one that is not known yet
  ///   everywhere.
  private func refuseFailed(_ workflow: String, _ service: String) async throws(Failure) {
    guard
      let status = try? await client.read(Documents.workflow, ["workflowId": .string(workflow)])[
        "workflowStatus"], status["status"]?.string == "Error"
    else { return }
    throw Failure(
      .failed, "Railway could not copy the volume of \(service)", place: "volume of \(service)",
      cause: status["error"]?.string, hint: "look at the service's Backups in Railway's dashboard")
  }

  private func listed(_ volume: String, _ service: String) async throws(Failure) -> [VolumeSnapshot] {
    let data: JSON
    do { data = try await client.read(Documents.backups, ["volumeInstanceId": .string(volume)]) } catch {
      throw error.failure("listing the copies of the volume of \(service)", token: await tokenWords())
    }
    return (data["volumeInstanceBackupList"]?.array ?? []).compactMap { row in
      guard let id = row["id"]?.string, let at = row["createdAt"]?.string.flatMap({ Timestamp(iso8601: $0) })
      else { return nil }
      return VolumeSnapshot(
        id: id, name: row["name"]?.string, at: at, megabytes: row["usedMB"]?.int.map { Int($0) })
    }.sorted { $0.at > $1.at }
  }

  /// The id of the volume's instance: what backups want, not the volume's own.
  private func volume(of service: String, in environment: Environment) async throws(Failure) -> String {
    let resolved = try await resolve(environment)
    let state = try await readState(resolved, withVolumes: true)
    let names = state.services.values.map(\.name)
    guard let found = state.services.values.first(where: { $0.name == service || $0.id == service }) else {
      throw Resolution.missing("service", service, among: names.sorted(), place: "databases")
    }
    guard let volume = state.volumes[found.id] else {
      throw Failure(
        .configuration, "\(service) has no volume in Railway's environment \(resolved.environment)",
        place: "databases",
        hint: "name the service whose volume holds the data, or keep copies elsewhere: `to: ./backups`")
    }
    return volume
  }
}
