import Model
import YAML

extension Rules {
  /// What `secrets.required` and `secrets.rules` say of other files and environments.
  func checkSecrets(_ reading: inout Reading) {
    let secrets = fields["secrets"]?.fields
    if let file = secrets?["required"]?.fields?["file"], let path = file.text {
      checkExample(path, file, &reading)
    }
    for entry in secrets?["rules"]?.map ?? [] {
      guard let rule = entry.value.fields else { continue }
      if let least = rule["min-length"], let fewest = least.int, let most = rule["max-length"]?.int,
        fewest > most
      {
        reading.error(
          .contradiction, "a value cannot have at least \(fewest) characters and at most \(most)",
          at: least.mark, path: least.path, help: "lower `min-length`, or raise `max-length`")
      }
      for other in rule["differs-from"]?.list ?? [] { checkOther(other, &reading) }
    }
  }

  private func checkExample(_ path: String, _ file: Placed, _ reading: inout Reading) {
    do {
      guard ExampleFile.names(try example(path)).isEmpty else { return }
      reading.report(
        Diagnostic(
          .warning, .contradiction, "\(path) lists no names: nothing is required", at: file.mark,
          path: file.path, help: "write one `NAME=` a line in it"))
    } catch {
      let reason = (error as? FileFailure)?.reason ?? "\(error)"
      reading.error(
        .missingFile, "cannot read \(path): \(reason)", at: file.mark, path: file.path,
        help: "write its path relative to the project's root, or list the names: `required: [API_KEY]`")
    }
  }

  private func checkOther(_ other: Placed, _ reading: inout Reading) {
    guard let name = other.text else { return }
    if name == fields["environment"]?.text {
      reading.error(
        .contradiction, "a value cannot differ from itself: this is \(name)", at: other.mark,
        path: other.path, help: "name another environment")
    } else {
      let known = environments()
      guard !known.contains(name) else { return }
      let near = Suggestion.nearest(to: name, among: known).map { "did you mean `\($0)`? " } ?? ""
      // Not an error: a rollback, which compares nothing, must stay possible.
      reading.report(
        Diagnostic(
          .warning, .unknownEnvironment, "there is no environment `\(name)` here", at: other.mark,
          path: other.path, help: near + "nothing is compared with it"))
    }
  }
}
