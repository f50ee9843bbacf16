import Model
import YAML

extension Rules {
  /// What a source is reached by must be somewhere before it, and must not be overheard.
  func checkSecretSources(_ reading: inout Reading) {
    for (index, source) in (fields["secrets"]?.fields?["sources"]?.list ?? []).enumerated() {
      guard let written = source.fields else { continue }
      if let vault = written["vault"]?.fields, let address = vault["address"], let text = address.text,
        !SecretAddress.isSafe(text)
      {
        reading.error(
          .badText, "`\(text)` is no address for secrets: over http others can read them", at: address.mark,
          path: address.path, help: "write https://; http is for this machine alone")
      }
      guard index == 0, let credential = SecretSettings.Source(fields: written)?.credentials.first else {
        continue
      }
      reading.error(
        .contradiction,
        "`\(credential)`, by which this source is reached, comes from an earlier one, and none is",
        at: source.mark, path: source.path, help: "put `environment` first: sources: [environment, {…}]")
    }
  }
}
