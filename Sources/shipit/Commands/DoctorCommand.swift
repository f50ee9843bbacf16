import Commands
import Concurrency
import Interface
import Model
import Notifications
import Processes
import Secrets

enum DoctorCommand {
  static func run(_ invocation: Invocation) async -> Int32 {
    await EnvironmentCommand.run(invocation) { project, environment, console throws(Failure) in
      let overrides = try Endpoints(processEnvironment()).overrides
      var examinations = await here(project, environment)
      do throws(Failure) {
        let session = try await Session(
          project, environment, console, needsVariables: false, isPartial: true)
        examinations += await asked(session, environment)
      } catch {
        var skipped = Examination("platforms", .skipped, "not asked: \(error.message)", hint: error.hint)
        skipped.group = "platforms"
        examinations.append(skipped)
      }
      examinations += try await receivers(project, environment)
      let report = DoctorReport(environment: environment.name, examinations, overrides: overrides)
      console.result(report)
      return report.exit
    }
  }

  /// What can be looked at without asking anybody.
  private static func here(
    _ project: Project, _ environment: Model.Environment
  ) async -> [Examination] {
    var examinations: [Examination] = []
    do throws(Failure) {
      let ledger = try await Session.ledger(project, environment, Session.clock)
      _ = try await ledger.releases(limit: 1)
      examinations.append(Examination("ledger", .good, found(environment)))
    } catch { examinations.append(Examination("ledger", error)) }
    do throws(Failure) {
      let pool = await SecretPool.open(
        environment, SecretAccess(root: project.root, process: processEnvironment()))
      _ = try SecretResolver(pool).resolve(environment, key: [])
      examinations.append(Examination("secrets", .good, "every name has a value"))
    } catch { examinations.append(Examination("secrets", error)) }
    return examinations.map { inGroup("this machine", $0) }
  }

  /// Everything else at the same time: the repository, the tools, each platform.
  private static func asked(_ session: Session, _ environment: Model.Environment) async -> [Examination] {
    let platforms = Set(environment.services.map(\.platform)).sorted { $0.rawValue < $1.rawValue }
    return await withTaskGroup(of: (Int, [Examination]).self) { group in
      group.addTask { (0, [await revision(session)]) }
      group.addTask { (1, await session.examineTools()) }
      for (index, name) in platforms.enumerated() {
        group.addTask { (index + 2, await examine(name, session, environment)) }
      }
      var found: [Int: [Examination]] = [:]
      for await (index, examinations) in group { found[index] = examinations }
      return found.sorted { $0.key < $1.key }.flatMap { index, examinations in
        examinations.map { inGroup(index < 2 ? "this machine" : platforms[index - 2].title, $0) }
      }
    }
  }

  /// Their configuration alone: nobody is told that somebody looks.
  private static func receivers(
    _ project: Project, _ environment: Model.Environment
  ) async throws(Failure) -> [Examination] {
    var found: [Examination] = []
    for declared in try await Notifying.receivers(
      environment, root: project.root, processEnvironment(), Session.clock)
    {
      found.append(inGroup("notifications", await declared.examine()))
    }
    return found
  }

  private static func revision(_ session: Session) async -> Examination {
    do throws(Failure) {
      let revision = try await session.history.resolve("HEAD")
      return Examination("revision", .good, "HEAD is \(revision.commit.prefix(7)), \(revision.subject)")
    } catch { return Examination("revision", error) }
  }

  private static func examine(
    _ name: PlatformName, _ session: Session, _ environment: Model.Environment
  ) async -> [Examination] {
    let platform: any Platform
    do throws(Failure) { platform = try session.platform(name) } catch {
      // What is missing was told among the secrets.
      return [
        session.lacksAccount(name)
          ? Examination(name.title, .skipped, "not asked: a secret of its account is missing, as said above")
          : Examination(name.title, error)
      ]
    }
    let found = await platform.examine(environment)
    return found.isEmpty ? [Examination(name.title, .skipped, "nothing can be examined yet")] : found
  }

  private static func inGroup(_ title: String, _ examination: Examination) -> Examination {
    var examination = examination
    examination.group = title
    return examination
  }

  /// What was reached: the ledger's place by its kind.
  private static func found(_ environment: Model.Environment) -> String {
    switch environment.state {
    case .local: ".shipit/\(environment.name).db can be read and written"
    case .git: "refs/shipit/\(environment.name) of the remote origin can be read"
    case .postgres: "the database answers, and its tables are as they should be"
    }
  }
}
