import JSON
import Model

/// The schedules on which Railway copies a volume (contract railway §10.2).
extension RailwayClient {
  func schedules(ofVolume instance: String, _ manner: Manner = .read)
    async throws(APIError) -> [ServiceSettings.BackupSchedule]
  {
    let data = try await read(Documents.backupSchedules, ["volumeInstanceId": .string(instance)], manner)
    let kinds = (data["volumeInstanceBackupScheduleList"]?.array ?? []).compactMap { $0["kind"]?.string }
    return ServiceSettings.BackupSchedule.allCases.filter { kinds.contains($0.word) }
  }

  /// The schedules of a service's volume; nil when it has none.
  func schedules(of target: ServiceTarget) async throws(APIError) -> [ServiceSettings.BackupSchedule]? {
    guard let volume = try await state(of: target.place, withVolumes: true).volumes[target.serviceID] else {
      return nil
    }
    return try await schedules(ofVolume: volume)
  }
}

extension RailwayPlatform {
  /// Replaces the set of schedules; an empty one switches them off.
  func setSchedules(
    _ wanted: [ServiceSettings.BackupSchedule], of target: ServiceTarget
  ) async -> Outcome? {
    let doing = "setting the backups of the volume of \(target.name)"
    let volume: String?
    do {
      volume = try await client.state(of: target.place, withVolumes: true).volumes[target.serviceID]
    } catch {
      return await reading(error, doing)
    }
    guard let volume else {
      return .failed(
        Failure(
          .configuration, "\(target.name) has no volume to back up",
          place: "services.\(target.service).volume",
          hint: "make it in Railway's dashboard, or write provision: create"), moved: false)
    }
    return await settle(doing) { () async throws(APIError) in
      try await client.mutate(
        Documents.backupSchedulesSet,
        ["volumeInstanceId": .string(volume), "kinds": .array(wanted.map { .string($0.word) })])
    } isApplied: { () async throws(APIError) in
      try await client.schedules(ofVolume: volume) == wanted
    }
  }
}

extension ServiceSettings.BackupSchedule {
  /// Railway's word.
  var word: String { rawValue.uppercased() }
}
