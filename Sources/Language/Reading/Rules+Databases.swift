import Model
import YAML

extension Rules {
  /// Addresses of databases, and names that `needs` could mistake.
  func checkDatabases(_ reading: inout Reading) {
    for entry in fields["databases"]?.map ?? [] {
      guard let database = entry.value.fields else { continue }
      let isRedis = database["engine"]?.text == "redis"
      let wantsAddress = ["migrations", "scripts", "backup"].first(where: database.has)
      if let url = database["url"], let template = url.template,
        wantsAddress != nil || !database.has("create") || template.references.isEmpty
      {
        checkAddress(url, template, isRedis: isRedis, &reading)
      }
      if let wantsAddress, !database.has("url"), database.has("create") {
        reading.error(
          .missingKey, "`\(database.path)` has no `url`", at: database.keyMarks[wantsAddress] ?? entry.mark,
          path: database.path, help: "`\(wantsAddress)` reaches the database: write url: {secret: NAME}")
      }
      if let create = database["create"], !(fields["platforms"]?.fields?.has("railway") ?? false) {
        reading.error(
          .contradiction, "the database is made on Railway, and there is no `platforms.railway`",
          at: create.mark, path: create.path, help: "add it, with project, environment and token")
      }
      for key in ["migrations", "scripts"] {
        guard isRedis, let written = database[key] else { continue }
        reading.error(
          .contradiction, "Redis has no \(key)", at: written.mark, path: written.path,
          help: "leave `\(key)` out; `run:` runs a program of yours")
      }
      if let backup = database["backup"]?.fields { checkBackup(backup, &reading) }
    }
  }

  private func checkBackup(_ backup: Fields, _ reading: inout Reading) {
    if let zone = backup["timezone"], let name = zone.text { checkZone(name, zone, &reading) }
    if let to = backup["to"]?.text, to.hasPrefix("railway:") {
      for key in ["keep", "verify", "encrypt", "credentials"] {
        guard let written = backup[key] else { continue }
        reading.error(
          .contradiction, "`\(written.path)` means nothing for what Railway copies and keeps",
          at: written.mark,
          path: written.path, help: "leave it out: Railway never shows what is in such a copy")
      }
      if let placed = backup["to"], !(fields["platforms"]?.fields?.has("railway") ?? false) {
        reading.error(
          .contradiction, "the copies are Railway's, and there is no `platforms.railway`", at: placed.mark,
          path: placed.path, help: "add it, with project, environment and token")
      }
      return
    }
    if let credentials = backup["credentials"], let to = backup["to"]?.text, !to.hasPrefix("s3://") {
      reading.error(
        .contradiction, "`\(credentials.path)` means nothing for a directory", at: credentials.mark,
        path: credentials.path,
        help: "leave it out, or write the bucket: to: s3://BUCKET/PREFIX?region=eu-north-1")
    }
    if let encryption = backup["encrypt"]?.fields, encryption["identity"] == nil,
      let check = backup["verify"],
      let word = check.text, word != "stored"
    {
      reading.error(
        .contradiction,
        "`verify: \(word)` wants to read copies that are encrypted, and there is no key for it",
        at: check.mark, path: check.path,
        help:
          "write encrypt: {identity: {secret: NAME}}, or verify: stored, which only reads back what is stored"
      )
    }
  }

  private func checkAddress(
    _ url: Placed, _ template: Template, isRedis: Bool, _ reading: inout Reading
  ) {
    guard template.references.isEmpty else {
      return reading.notSupported(
        "a reference in `\(url.path)`: give the address as `{secret: NAME}`", at: url.mark, path: url.path)
    }
    let text = template.rendered { $0.description }
    let schemes = isRedis ? ["redis://", "rediss://"] : ["postgres://", "postgresql://"]
    guard schemes.contains(where: { text.hasPrefix($0) }) else {
      return reading.error(
        .badText, "`\(url.path)` is not the address of a \(isRedis ? "Redis server" : "PostgreSQL database")",
        at: url.mark, path: url.path,
        help: "write it like \(isRedis ? "redis://HOST:6379" : "postgres://USER@HOST:5432/DATABASE"), "
          + "or {secret: NAME} for one with a password")
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
