import Model
import YAML

extension Rules {
  /// Addresses of databases, and names that `needs` could mistake.
  func checkDatabases(_ reading: inout Reading) {
    for entry in fields["databases"]?.map ?? [] {
      guard let database = entry.value.fields else { continue }
      if let url = database["url"], let template = url.template { checkAddress(url, template, &reading) }
      if let backup = database["backup"]?.fields { checkBackup(backup, &reading) }
    }
  }

  private func checkBackup(_ backup: Fields, _ reading: inout Reading) {
    guard let credentials = backup["credentials"], let to = backup["to"]?.text, !to.hasPrefix("s3://") else {
      return
    }
    reading.error(
      .contradiction, "`\(credentials.path)` means nothing for a directory", at: credentials.mark,
      path: credentials.path,
      help: "leave it out, or write the bucket: to: s3://BUCKET/PREFIX?region=eu-north-1")
  }

  private func checkAddress(_ url: Placed, _ template: Template, _ reading: inout Reading) {
    guard template.references.isEmpty else {
      return reading.notSupported(
        "a reference in `\(url.path)`: give the address as `{secret: NAME}`", at: url.mark, path: url.path)
    }
    let text = template.rendered { $0.description }
    guard text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") else {
      return reading.error(
        .badText, "`\(url.path)` is not the address of a PostgreSQL database", at: url.mark, path: url.path,
        help: "write it like postgres://USER@HOST:5432/DATABASE, or {secret: NAME} for one with a password")
    }
    let question = text.firstIndex(of: "?").map { text[$0...].lowercased() } ?? ""
    guard question.contains("password=") || LiteralSecret.kind(of: text) != nil else { return }
    // Every release records what stands here.
    reading.report(
      Diagnostic(
        .error, .badText, "`\(url.path)` has a password in it", at: url.mark, path: url.path,
        help: "put the whole address into a secret: {secret: NAME}", conceals: true))
  }
}
