import Crypto
import FoundationEssentials
import JSON
import Model

/// A file encrypted with SOPS; its program decrypts it into memory alone (contract secrets §2.8).
struct SOPSSource: SecretSource {
  let settings: SOPSSecrets
  private let earlier: EarlierSources
  let access: SecretAccess

  init(_ settings: SOPSSecrets, _ earlier: EarlierSources, _ access: SecretAccess) {
    self.settings = settings
    self.earlier = earlier
    self.access = access
  }

  var description: String { "\(settings.path), encrypted by SOPS" }

  let isWritable = true

  var file: String { access.path(settings.path) }

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    let content = try content()
    let ended = try await sops(["decrypt", "--output-type", "json", file])
    guard ended.code == 0 else { throw failure(ended) }
    let object = try SecretObject(
      parsing: ended.output, of: description, names: settings.names, isNested: true)
    return SecretAnswer(try object.readings(names, version: SOPSSource.version(of: content)))
  }

  /// Runs the program of SOPS, with the key where one is named.
  func sops(_ arguments: [String], input: [UInt8] = []) async throws(Failure) -> SecretProgram.Ending {
    var given: [String: Sensitive] = [:]
    if let key = settings.keySecret {
      given["SOPS_AGE_KEY"] = try await earlier.credential(key, of: description)
    }
    return try await SecretProgram(
      access: access, description: description, command: ["sops"] + arguments,
      alsoInherited: { $0.hasPrefix("SOPS_") || $0 == "GNUPGHOME" }, given: given,
      plain: ["SOPS_DISABLE_VERSION_CHECK": "1"], input: input
    ).run()
  }

  func content() throws(Failure) -> String {
    do {
      return String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
    } catch {
      throw Failure(
        .configuration, "\(settings.path) cannot be read", place: settings.path,
        cause: FileManager.default.fileExists(atPath: file) ? nil : "there is no such file",
        hint: "sops \(settings.path), to make one: it is encrypted for whom .sops.yaml names")
    }
  }

  /// What the program's exit codes mean.
  func failure(_ ended: SecretProgram.Ending) -> Failure {
    switch ended.code {
    case 128:
      Failure(
        .authentication, "\(settings.path) cannot be decrypted: no key at hand opens it",
        place: settings.path,
        cause: ended.said,
        hint: settings.keySecret.map {
          "\($0) must hold a key (AGE-SECRET-KEY-…) of one of the file's recipients"
        }
          ?? "export SOPS_AGE_KEY_FILE, or name the secret with the key: sops: {file: \(settings.path), key: {secret: SOPS_AGE_KEY}}"
      )
    case 25, 51:
      Failure(
        .failed, "\(settings.path) was changed by other means than SOPS: its check sum does not match",
        place: settings.path, cause: ended.said,
        hint: "git log -p \(settings.path), for who did; take back what was not written by sops")
    default:
      Failure(
        .configuration, "\(settings.path) cannot be decrypted: sops ended with code \(ended.code)",
        place: settings.path, cause: ended.said, hint: "sops filestatus \(settings.path)")
    }
  }

  /// When it was written last, and the beginning of a digest of its check sum: two writes of one second differ.
  static func version(of content: String) -> String? {
    var moment: String?
    var sum: String?
    // The metadata stands in clear text at the end: as YAML, JSON, or lines of NAME=value.
    for line in content.split(whereSeparator: \.isNewline) {
      var text = line.drop { " \t\",".contains($0) }
      if text.hasPrefix("sops_") { text = text.dropFirst(5) }
      for (name, store) in [("lastmodified", { (value: String) in moment = value }), ("mac", { sum = $0 })] {
        guard text.hasPrefix(name), let sign = text.dropFirst(name.count).first, "\":= ".contains(sign) else {
          continue
        }
        store(
          String(
            text.dropFirst(name.count).drop { "\": =".contains($0) }.prefix {
              !"\",".contains($0) || name == "mac"
            }))
      }
    }
    guard let moment, let sum else { return nil }
    return "\(moment)/\(SHA256.digest(of: sum).hex.prefix(8))"
  }
}
