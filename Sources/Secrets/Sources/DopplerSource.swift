import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A config of Doppler, asked by its program, which is kept from keeping a copy and from serving one (contract secrets
/// §2.3).
struct DopplerSource: SecretSource {
  private let settings: DopplerSecrets
  private let earlier: EarlierSources
  private let access: SecretAccess

  init(_ settings: DopplerSecrets, _ earlier: EarlierSources, _ access: SecretAccess) {
    self.settings = settings
    self.earlier = earlier
    self.access = access
  }

  var description: String {
    switch (settings.project, settings.config) {
    case (let project?, let config?): "\(project)/\(config) in Doppler"
    case (let one?, nil), (nil, let one?): "\(one) in Doppler"
    case (nil, nil): "the config of \(settings.tokenSecret) in Doppler"
    }
  }

  /// What Doppler says of itself among the secrets.
  private static let own: Set<String> = ["DOPPLER_PROJECT", "DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT"]

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    let token = try await earlier.credential(settings.tokenSecret, of: description)
    let directory = try privateDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var command = [
      "doppler", "secrets", "download", "--no-file", "--format", "json", "--no-fallback",
      "--no-check-version",
      "--config-dir", directory, "--attempts", "3", "--timeout", "8s",
    ]
    if let project = settings.project { command += ["--project", project] }
    if let config = settings.config { command += ["--config", config] }
    let ended = try await SecretProgram(
      access: access, description: description, command: command,
      alsoInherited: { $0 == "DOPPLER_API_HOST" }, given: ["DOPPLER_TOKEN": token]
    ).run()
    guard ended.code == 0 else { throw failure(ended) }
    let object = try SecretObject(parsing: ended.output, of: description, names: settings.names)
    return SecretAnswer(try object.readings(names.filter { !Self.own.contains(settings.names[$0] ?? $0) }))
  }

  private func failure(_ ended: SecretProgram.Ending) -> Failure {
    let said = ended.said ?? ""
    let isAccess = ["token", "nauthorized", "orbidden", "permission"].contains { said.contains($0) }
    return Failure(
      isAccess ? .authentication : .failed,
      isAccess
        ? "\(description): Doppler does not accept \(settings.tokenSecret)"
        : "\(description) cannot be read: doppler ended with code \(ended.code)",
      cause: ended.said,
      hint: isAccess
        ? "make a service token for this config: doppler configs tokens create shipit --plain" : nil)
  }

  /// For what the program writes about itself: nobody else's, and gone afterwards.
  private func privateDirectory() throws(Failure) -> String {
    let parent = access.process["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
    var template = Array("\(parent)/shipit-doppler-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw Failure(
        .failed, "no private directory can be made in \(parent)", cause: String(cString: strerror(errno)))
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
