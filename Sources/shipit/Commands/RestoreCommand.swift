import Concurrency
import Databases
import FoundationEssentials
import Interface
import Model
import Runner

enum RestoreCommand {
  /// The environment with the key's file of `--identity`, relative to where the command was typed.
  static func reading(_ environment: Model.Environment, _ invocation: Invocation) -> Model.Environment {
    guard let path = invocation.value("identity") else { return environment }
    var changed = environment
    for index in changed.databases.indices {
      guard let encryption = changed.databases[index].backup?.encryption else { continue }
      let file = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
      changed.databases[index].backup?.encryption = BackupEncryption(
        recipients: encryption.recipients, identity: .file(file))
    }
    return changed
  }

  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      guard let key = invocation.positional(1) else {
        throw Failure(
          .configuration, "restore wants the name of a database",
          cause: "there are \(environment.databases.map(\.key).joined(separator: ", "))",
          hint: "shipit restore \(environment.name) \(environment.databases.first?.key ?? "DATABASE")")
      }
      let environment = reading(environment, invocation)
      guard let (database, rule) = try environment.databases(withBackup: key).first else { return .usage }
      let session = try await Session(
        project, environment, console, needsVariables: false, isAboutDatabases: true)
      let names = BackupNames(environment: environment.name, database: key)
      let manifest = try await session.backupStores.store(rule, names).newest(
        invocation.value("from"), names)
      try session.backups.checkReadable(manifest, rule)
      if let path = invocation.value("into") {
        return try await export(manifest, database, rule, path, session, console)
      }
      if database.engine == .redis {
        throw await session.backups.redisRestoreRefusal(of: database, manifest)
      }
      let name = try session.backups.realName(of: database)
      if let word = invocation.value("confirm"), word != name {
        throw Failure(
          .configuration, "“\(word)” is not the name of the database \(key)",
          hint: "type the name it has on its server, as in its address")
      }
      let isAgreed = invocation.value("confirm") != nil
      guard isAgreed || console.canAsk else {
        throw Failure(
          .configuration, "a restore wants the name of the database typed",
          hint: "shipit restore \(environment.name) \(key) --from \(manifest.id) --confirm NAME")
      }
      let ago = manifest.madeAt.relative(to: Session.clock.now)
      console.note([
        "\(manifest.id), made \(ago), goes in the place of \(name): what was written since is not in it.",
        "What is there is backed up first, and stays on the server under another name.", "",
      ])
      if let hold = try await session.ledger.hold() {
        console.note([
          "\(environment.name) is on hold by \(hold.by): \(hold.reason)",
          "That stops deploys, not a restore; it stays until shipit unhold \(environment.name).", "",
        ])
      }
      return try await BackupCommand.copy(
        CopyRequest(
          .restore(database: key, backup: manifest.id, checksum: manifest.checksum),
          reason: invocation.value("reason")), session, console, purpose: "restore", asks: !isAgreed,
        question: "Type the name of the database to restore it: ", expecting: name)
    }
  }

  /// Writes a copy to a file.
  private static func export(
    _ manifest: BackupManifest, _ database: DatabaseTarget, _ rule: BackupRule, _ path: String,
    _ session: Session, _ console: Console
  ) async throws(Failure) -> ExitCode {
    let file = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    do {
      try await session.backups.export(
        manifest, of: database, rule, to: file, limit: session.environment.protect.deadline)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.cancelled, "\(file) was not written to its end")
    }
    console.note(["\(manifest.id) is in \(file), not encrypted, for you alone to read"])
    return .done
  }
}
