import Model

/// The variables of the process that shipit is started in (contract secrets §2.1).
struct EnvironmentSource: SecretSource {
  let process: [String: String]
  /// A secret that is not set in GitHub Actions is an empty text: the next source, where there is one, may have it.
  let keepsEmpty: Bool

  var description: String { "the environment of shipit" }

  func read(_ names: Set<String>) async throws(Failure) -> SecretAnswer {
    var answer = SecretAnswer()
    for name in names {
      guard let value = process[name], keepsEmpty || !value.isEmpty else { continue }
      answer.readings[name] = SecretReading(Sensitive(value))
    }
    return answer
  }
}
